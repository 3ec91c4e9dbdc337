// The public type of a sender, which includes the types of the pool's jobs.

import type { ExecuteOptions, WaitOptions } from "../options.ts";
import type {
  InlineJob,
  JobArguments,
  JobName,
  JobResult,
  NoGenerator,
} from "./job_types.ts";

/**
 * A handle to a pool that moves by itself into a job of any pool, including its own.
 * Several producers can share a pool. {@linkcode ThreadPool.sender} returns a sender.
 *
 * - **Ownership**: a sender that is an argument of a job moves into the job, and the
 *   caller can no longer use it; {@linkcode Sender.clone} it first to keep one. It
 *   closes when the job ends. In the job, it can be an argument of its own calls.
 * - **Transfer**: marked values and `transfer` lists move in both directions. Values
 *   that move by themselves (connections, streams, requests, responses),
 *   `AbortSignal`, `URL`, `URLSearchParams`, `Headers`, `FormData` and `ImageData`
 *   cannot go through a sender that has moved, and neither can `onProgress`. The
 *   option `signal` works.
 * - **Trust**: a job that has a sender can run any code in the sender's pool.
 * - **No deadlock**: if all workers of the pool have jobs that wait for jobs of the
 *   same pool, an awaited job runs in the worker that waits for it, alongside the
 *   waiting job. Earlier jobs of its key run there first. If one of the two jobs has
 *   to be stopped with its worker, the other job rejects with
 *   {@linkcode WorkerCrashedError} as well.
 * - **Closing**: after `pool.close()`, the pool accepts jobs only from senders. It
 *   ends when all senders are closed and their jobs have ended.
 *
 * @typeParam Jobs The type of the module whose functions are the jobs
 *
 * @example A job that submits jobs to its own pool
 * ```ts
 * import { type Sender, ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(2);
 * const total = await pool.execute(async (sender: Sender) => {
 *   const square = (n: number) => n * n;
 *   const squares = [1, 2, 3].map((n) => sender.execute(square, [n]));
 *   return (await Promise.all(squares)).reduce((sum, n) => sum + n);
 * }, [pool.sender()]);
 * assertEquals(total, 14);
 * ```
 */
// deno-lint-ignore no-explicit-any
export interface Sender<Jobs = any> extends Disposable {
  /**
   * Runs a job of the pool, like {@linkcode ThreadPool.execute}, with the same errors
   * and types. Handlers that use the jobs of their own module need a return type;
   * otherwise TypeScript reports a circular reference.
   *
   * **On abort**: as in {@linkcode ThreadPool.execute}.
   *
   * @throws {PoolClosedError} If the sender is closed, or has moved
   * @throws {RangeError} If so many jobs of one worker wait for each other that it can hold no more
   */
  execute<Job extends JobName<Jobs> | InlineJob>(
    job: Job & NoGenerator<Job>,
    ...args: [] extends JobArguments<Jobs, Job>
      ? [args?: JobArguments<Jobs, Job>, options?: ExecuteOptions]
      : [args: JobArguments<Jobs, Job>, options?: ExecuteOptions]
  ): Promise<JobResult<Jobs, Job>>;

  /**
   * Waits until the pool's queue has room, like {@linkcode ThreadPool.ready}. If all
   * workers of the pool wait for jobs of the same pool, resolves without room, because
   * no job would make room.
   *
   * **On abort**: rejects with the signal's reason.
   *
   * @throws {PoolClosedError} If the sender is closed, or has moved
   */
  ready(options?: WaitOptions): Promise<void>;

  /**
   * Returns another sender to the same pool.
   *
   * @throws {PoolClosedError} If this sender is closed, or has moved
   */
  clone(): Sender<Jobs>;

  /** Closes this sender; calls in progress are still answered. Idempotent. */
  close(): void;
}
