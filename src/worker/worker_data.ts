// What a worker was given by its pool.

import { currentLife } from "../values/thread_state.ts";

/**
 * The value that the pool's option {@linkcode ThreadPoolOptions.workerData} gives to
 * every worker, from the module's first line on.
 *
 * Each worker has a copy of its own, which all its jobs share. Shared memory in it
 * is shared. Outside of a worker, and without the option, it is `undefined`.
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
