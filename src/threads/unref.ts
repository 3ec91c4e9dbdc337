// Lets the process end while a worker still runs, which has no public way: by
// the method that `node:worker_threads` uses for it, a symbol of no name. Where
// there is none, a thread that cannot be stopped keeps its process.

/** Counts the worker no more among what keeps the process. */
export function unref(worker: Worker): void {
  const prototype = Worker.prototype as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    const method = prototype[symbol];
    if (symbol.description === undefined && typeof method === "function") {
      Reflect.apply(method, worker, [false]);
    }
  }
}
