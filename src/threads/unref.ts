// Sets whether a Web Worker keeps its process alive. There is no public API, so this
// uses the method of `node:worker_threads`, whose key is a symbol without a name. If
// the method is missing, a program with a pool ends only when the pool is closed.

/** Sets whether a worker keeps the process alive; `isRef` must alternate. */
export function setRef(worker: Worker, isRef: boolean): void {
  const prototype = Worker.prototype as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    const method = prototype[symbol];
    if (symbol.description === undefined && typeof method === "function") {
      Reflect.apply(method, worker, [isRef]);
    }
  }
}
