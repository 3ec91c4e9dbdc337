// Registers the callbacks that run before a worker stops.

import { expected } from "../expected.ts";
import { currentLife } from "../values/thread_state.ts";

/**
 * Registers a callback that runs when this worker stops, such as to close a database.
 *
 * - **When it runs**: once the worker has no job, if the pool closes, or if the worker
 *   is replaced (`maxJobsPerWorker`, `maxHeapPerWorker`) or no longer needed
 *   (`idleTimeout`, `resize()`). The worker and `close()` await promises, for
 *   {@linkcode ThreadPoolOptions.stopGrace} altogether.
 * - **When it does not run**: on `terminate()`, on a crash, if the worker is stopped
 *   because a job does not end in time, or if the program ends without closing the pool.
 * - **Order**: the last registered callback runs first. If a callback throws, the pool
 *   dispatches `workererror`, and the other callbacks still run.
 *
 * A module calls `onStop()` at its top level; a handler calls it once for each thing it
 * opens. Outside of a worker it does nothing, so a module for workers can be imported
 * anywhere. This includes the caller's own thread if
 * {@linkcode QueueOptions.whenFull} is `"caller-runs"`.
 *
 * @param callback Function to call
 * @throws {TypeError} If `callback` is not a function
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
