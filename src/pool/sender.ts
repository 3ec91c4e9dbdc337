// What a sender is to TypeScript: it knows the pool's jobs.

import type { ExecuteOptions, WaitOptions } from "../options.ts";
import type {
  InlineJob,
  JobArguments,
  JobName,
  JobResult,
} from "./job_types.ts";

/**
 * A handle to a pool, which moves by itself into a job of any pool, also of its
 * own: several producers, one pool. {@linkcode ThreadPool.sender} gives one.
 *
 * - **Ownership**: a sender that is an argument of a job moves into it, so it is of
 *   no more use here; {@linkcode Sender.clone} it before to keep one. It is closed
 *   when the job ends. In the job it can be an argument of its own calls.
 * - **Transfer**: marked values and `transfer` lists move in both directions. What
 *   moves by itself (connections, streams, requests, responses), `AbortSignal`,
 *   `URL`, `Headers` and `FormData` cannot go through a sender that has moved, and
 *   neither can `onProgress`. The option `signal` works.
 * - **Trust**: a job that has a sender can run any code in the sender's pool.
 * - **Nothing hangs**: if all workers of the pool are taken by jobs that wait for
 *   jobs of the same pool, one of these runs in the worker that waits for it, while
 *   that one waits; if others of its key are before it, those do so first. If one of
 *   the two has to be stopped with its worker, that costs the other as well.
 * - **Closing**: `pool.close()` takes no more jobs of the pool's own, and ends when
 *   all senders are closed and their jobs have ended.
 *
 * @typeParam Jobs The type of the module whose functions are the jobs
 *
 * @example A job that gives jobs to its own pool
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
   * Runs a job of the pool, as {@linkcode ThreadPool.execute} does, with the same
   * errors and types. Give handlers that use their own module's jobs a return type,
   * or TypeScript finds a circle.
   *
   * **On abort**: as in {@linkcode ThreadPool.execute}.
   *
   * @throws {PoolClosedError} If the sender is closed, or has moved
   */
  execute<Job extends JobName<Jobs> | InlineJob>(
    job: Job,
    ...args: [] extends JobArguments<Jobs, Job>
      ? [args?: JobArguments<Jobs, Job>, options?: ExecuteOptions]
      : [args: JobArguments<Jobs, Job>, options?: ExecuteOptions]
  ): Promise<JobResult<Jobs, Job>>;

  /**
   * Waits until the pool's queue has room, as {@linkcode ThreadPool.ready} does. If
   * all workers of the pool wait for jobs of the same pool, it does not wait for
   * room that nobody would make.
   *
   * **On abort**: rejects with the signal's reason.
   *
   * @throws {PoolClosedError} If the sender is closed, or has moved
   */
  ready(options?: WaitOptions): Promise<void>;

  /**
   * Makes one more sender to the same pool.
   *
   * @throws {PoolClosedError} If this one is closed, or has moved
   */
  clone(): Sender<Jobs>;

  /** Closes this sender; calls in progress are still answered. Idempotent. */
  close(): void;
}
