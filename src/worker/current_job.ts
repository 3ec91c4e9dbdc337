// Gives a handler information about the job that it is executing.

import { type CurrentJob, currentJobSlot } from "../values/thread_state.ts";

export type { CurrentJob };

/**
 * Returns the job that this thread is executing, or `undefined` outside of a job.
 *
 * The result is correct from the handler's first line until its promise settles, also
 * in listeners of the job's signal. Do not call this from work that outlives the job.
 *
 * @returns The job, with its id, name, worker, signal and deadline
 *
 * @example A handler that stops when its caller aborts
 * ```ts
 * import { currentJob } from "@spindle/thread-pool/worker";
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * export async function poll(url: string): Promise<string> {
 *   const response = await fetch(url, { signal: currentJob()?.signal });
 *   return await response.text();
 * }
 *
 * await using pool = new ThreadPool(1);
 * assertEquals(await pool.execute(() => currentJob()?.workerId), 1);
 * assertEquals(currentJob(), undefined);
 * ```
 *
 * @example Report progress
 * ```ts
 * import { currentJob } from "@spindle/thread-pool/worker";
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(1);
 * let last: unknown;
 * await pool.execute((files: string[]) => {
 *   files.forEach((_, i) => currentJob()?.report({ done: i + 1, of: files.length }));
 * }, [["a", "b", "c"]], { onProgress: (value) => last = value });
 * assertEquals(last, { done: 3, of: 3 });
 * ```
 */
export function currentJob(): CurrentJob | undefined {
  return currentJobSlot.storage?.getStore() ?? currentJobSlot.job;
}
