// What a worker does before it ends: what handlers and modules ask for.

import { expected } from "../expected.ts";
import { currentLife } from "../values/thread_state.ts";

/**
 * Calls something when this worker is told to end: to close a database, say.
 *
 * - **When**: once the worker has no job, when the pool closes; when the worker is
 *   replaced, because of `maxJobsPerWorker` or `maxHeapPerWorker`; or when it is one
 *   too many, after `idleTimeout` or `resize()`. Promises are awaited, by
 *   `close()` too, for {@linkcode ThreadPoolOptions.stopGrace} altogether.
 * - **When not**: on `terminate()`, on a crash, when a job does not end in time and
 *   costs its worker, and when the program ends without closing the pool.
 * - **Order**: the last callback that was given runs first. If one throws, the pool
 *   tells of that with `workererror`, and the others run all the same.
 *
 * A module calls it at its top level, a handler once for what it opens. Outside of a
 * worker it does nothing, so that a module for workers can be imported anywhere.
 * That includes the caller's own thread, where {@linkcode QueueOptions.whenFull} is
 * `"caller-runs"`.
 *
 * @param callback What to do
 * @throws {TypeError} If it is not a function
 *
 * @example A database for each worker
 * ```ts ignore
 * import { DatabaseSync } from "node:sqlite";
 * import { onStop, workerData } from "@spindle/thread-pool/worker";
 *
 * const database = new DatabaseSync(workerData<string>());
 * onStop(() => database.close());
 *
 * export function find(id: number): unknown {
 *   return database.prepare("SELECT * FROM item WHERE id = ?").get(id);
 * }
 * ```
 *
 * @example
 * ```ts
 * import { onStop } from "@spindle/thread-pool/worker";
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * const words = new Int32Array(new SharedArrayBuffer(4));
 * const pool = new ThreadPool(1);
 * await pool.execute((words: Int32Array) => {
 *   onStop(() => Atomics.store(words, 0, 1));
 * }, [words]);
 * await pool.close();
 * assertEquals(words[0], 1);
 * ```
 */
export function onStop(callback: () => unknown): void {
  if (typeof callback !== "function") {
    throw expected("callback", "a function", callback);
  }
  const life = currentLife();
  if (life === undefined) return;
  life.callbacks[life.callbacks.length] = callback;
  life.askToStop();
}
