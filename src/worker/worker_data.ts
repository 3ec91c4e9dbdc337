// Returns the data that a pool gives to its workers.

import { currentLife } from "../values/thread_state.ts";

/**
 * Returns the value of the pool's option {@linkcode ThreadPoolOptions.workerData},
 * which every worker has from the module's first line on.
 *
 * Each worker has its own copy, which all its jobs share. Shared memory in the copy is
 * shared. Outside of a worker, and without the option, this returns `undefined`.
 *
 * @typeParam Data The type of the value, which TypeScript cannot know here
 * @returns The value, the same at each call
 *
 * @example
 * ```ts
 * import { workerData } from "@spindle/thread-pool/worker";
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool({ size: 2, workerData: { lang: "en" } });
 * const lang = () => workerData<{ lang: string }>().lang;
 * assertEquals(await pool.execute(lang), "en");
 * assertEquals(workerData(), undefined);
 * ```
 */
export function workerData<Data = unknown>(): Data {
  return currentLife()?.data as Data;
}
