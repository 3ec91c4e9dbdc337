// Whether a Web Worker keeps its process from ending, which has no public way: by
// the method that `node:worker_threads` uses for it, a symbol without a name.
// Without it, a program with a pool ends only when the pool is closed.

/** Counts a worker among what keeps the process, or no longer; the calls must alternate. */
export function setRef(worker: Worker, isRef: boolean): void {
  const prototype = Worker.prototype as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    const method = prototype[symbol];
    if (symbol.description === undefined && typeof method === "function") {
      Reflect.apply(method, worker, [isRef]);
    }
  }
}
