// What a handler can learn of the job that it is executing.

import { sharedByCopies } from "./shared_by_copies.ts";

/** The job that a handler is executing. */
export interface CurrentJob {
  /** The job's number in its pool, from 1. */
  readonly id: number;
  /** The name of the job; of an inline job, the name of its function, or `"inline"`. */
  readonly name: string;
  /** The number of the worker in its pool, from 1. */
  readonly workerId: number;
  /** Fires, with the caller's reason, when the job is aborted. */
  readonly signal: AbortSignal;
  /** When the job times out, in ms as of `Date.now()`; `undefined` without a timeout. */
  readonly deadline: number | undefined;
}

/** Where the worker keeps its current job; not part of the public contract. */
export const currentJobSlot: { job: CurrentJob | undefined } = sharedByCopies(
  "current-job",
  () => ({ job: undefined }),
);

/**
 * The job that this thread is executing, or `undefined` outside of a job.
 *
 * It is right from the handler's first line to the settling of what it
 * returns. Work that a handler leaves behind must not ask it.
 *
 * @returns The job: its id, name, worker, signal and deadline
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
 */
export function currentJob(): CurrentJob | undefined {
  return currentJobSlot.job;
}
