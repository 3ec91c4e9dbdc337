// The pool: the public contract, and which parts stand behind it.

import { Dispatcher } from "../dispatch/dispatcher.ts";
import { AbortWatch } from "../job/abort_watch.ts";
import type { Job } from "../job/job.ts";
import { Room } from "../job/room.ts";
import { type JobRun, Settlement } from "../job/settlement.ts";
import { Meter, type PoolStats } from "../job/stats.ts";
import type {
  ExecuteOptions,
  ThreadPoolOptions,
  WaitOptions,
} from "../options.ts";
import { Listeners, type ThreadPoolEventMap } from "./events.ts";
import { Intake } from "./intake.ts";
import type {
  InlineJob,
  JobArguments,
  JobName,
  JobResult,
} from "./job_types.ts";
import { Lifetime } from "./lifetime.ts";
import { poolSettings, waitSettings } from "./settings.ts";
import { dispatcherEvents, tellEnd } from "./wiring.ts";

const NO_ARGUMENTS: readonly unknown[] = [];

/**
 * Runs functions on worker threads and gives their results back as promises.
 *
 * - **Order**: jobs start in the order in which they were submitted.
 * - **Settlement**: every promise settles, once, whatever happens to a worker.
 *   A job that has started is never run again; one that has not goes to another
 *   worker, unless what moved with it is lost.
 * - **Limits**: a `timeout` ends a job, even a synchronous loop. See
 *   {@linkcode ThreadPoolOptions} for `hardKill`, `memoryLimit` and
 *   `permissions`, which make workers a sandbox.
 * - **Ownership**: arguments and results are cloned, or move if they are marked
 *   with {@linkcode transfer}; a `Deno.Conn` moves by itself. Jobs never share an
 *   object.
 * - **Workers** start when there is work for them, one at a time, and are
 *   replaced when they die. If ten die in a row, the next one starts later each
 *   time, and new jobs are refused meanwhile. If the first does not start at all,
 *   the pool stops.
 * - **Threads** that cannot be stopped, see {@linkcode ThreadPoolOptions.hardKill},
 *   are bounded: there are never more than twice `size`. Beyond that, jobs wait.
 * - **Memory**: at most two large payloads are on their way to a worker, and two
 *   from it.
 * - **End**: a pool keeps its process alive for its jobs only, and for the streams
 *   and connections they serve. `await using` closes it.
 *
 * Imported from JSR it needs `--allow-read` for a local `module`, and no
 * permission for inline jobs; its workers have the permissions of the process,
 * unless they are given their own.
 *
 * @typeParam Jobs The type of the module whose functions are the jobs
 *
 * @example Inline jobs
 * ```ts
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(2);
 * const sum = await pool.execute((a: number, b: number) => a + b, [1, 2]);
 * assertEquals(sum, 3);
 * ```
 *
 * @example Jobs of a module, checked by TypeScript
 * ```ts ignore
 * // jobs.ts
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 *
 * // main.ts
 * import { ThreadPool } from "@spindle/thread-pool";
 * import type * as jobs from "./jobs.ts";
 *
 * await using pool = new ThreadPool<typeof jobs>({
 *   module: new URL("./jobs.ts", import.meta.url),
 * });
 * console.log(await pool.execute("fib", [30]));
 * ```
 */
export class ThreadPool<Jobs = Record<string, InlineJob>> extends EventTarget
  implements AsyncDisposable {
  readonly #listeners = new Listeners(this);
  readonly #meter: Meter;
  readonly #dispatcher: Dispatcher;
  readonly #room: Room;
  readonly #lifetime: Lifetime;
  readonly #intake: Intake;

  /**
   * Makes a pool. No worker starts before there is a job for it.
   *
   * @param options The size, or the options
   * @throws {TypeError} If an option is unknown or of the wrong type
   * @throws {RangeError} If an option is out of range
   */
  constructor(options?: number | ThreadPoolOptions) {
    super();
    const settings = poolSettings(options);
    const { size, concurrency, capacity, module, signal } = settings;
    const listeners = this.#listeners;
    const meter = this.#meter = new Meter(concurrency);
    const runOf = (job: Job): JobRun | undefined => {
      return listeners.wants("jobend") ? dispatcher.runOf(job) : undefined;
    };
    const aborts = new AbortWatch((job, reason) => {
      const run = runOf(job);
      dispatcher.abort(job, reason);
      settlement.abort(job, reason, run);
    });
    const settlement = new Settlement(meter, aborts, {
      settled: (job, ok, error, run) => {
        dispatcher.functions.end(job.fn);
        tellEnd(listeners, job, ok, error, run);
      },
      drained: () => this.#lifetime.onDrained(),
    });
    const dispatcher = this.#dispatcher = new Dispatcher(
      settings,
      dispatcherEvents({
        module,
        meter,
        settlement,
        listeners,
        runOf,
        freed: () => this.#room.release(),
        emptied: () => this.#lifetime.onEmpty(),
        stop: (refusal) => this.#lifetime.stop(refusal),
      }),
    );
    // Each worker can have as many jobs as may be in progress, the queue its capacity beside.
    const most = size * concurrency + capacity;
    const room = this.#room = new Room((count) => {
      return dispatcher.outstanding + count <= most;
    });
    const parts = {
      settings,
      aborts,
      dispatcher,
      settlement,
      room,
      listeners,
      signal,
    };
    const lifetime = this.#lifetime = new Lifetime(parts);
    this.#intake = new Intake({ ...parts, lifetime });
  }

  /**
   * Runs a job on a worker.
   *
   * Jobs start in the order of these calls. Arguments are cloned, unless they
   * move; do not change them until the promise settles. A call that is refused
   * moves nothing.
   *
   * What moves by itself is a `Deno.Conn`, a `Request`, a `Response`, a
   * `ReadableStream` and a `WritableStream`, and all but connections also in a
   * result; {@linkcode transfer} moves buffers and ports. It is the job's from
   * the call on, and ends with it: connections are closed, streams that were not
   * read are cancelled, those that were written are closed, or aborted if the job
   * fails. Chunks of bytes move as well. A promise whose result holds a stream
   * settles when the handler returns; what moved into such a job ends with the
   * stream. `URL`, `URLSearchParams`, `Headers`, `FormData`, `ImageData` and, as
   * an argument, `AbortSignal` arrive as what they are; what would arrive as an
   * empty object is refused.
   *
   * On abort: a job that has not started never will; the promise of one that
   * runs rejects at once and `currentJob().signal` fires in its worker. Reads of
   * its connections reject with `Deno.errors.Interrupted`; what it writes still
   * goes out. If its handler has not ended after `abortGrace`, its worker is
   * stopped and replaced; others that it has in progress reject with
   * {@linkcode WorkerCrashedError}. When a timeout is over, the same happens.
   *
   * @typeParam Job The name of a function of the module, or an inline function
   * @param job The name of a function of the pool's module, or a self-contained function, which is sent as its source
   * @param args The arguments of the handler, as an array; may be left out, or `undefined`, where it needs none
   * @param options How this job is run
   * @returns What the handler returns, or resolves to
   * @throws What the handler throws: built-in classes keep their class, others their name and properties
   * @throws {TypeError} If the job, its arguments or options are of the wrong type
   * @throws {JobNotFoundError} If the module exports no such function
   * @throws {JobCloneError} If an argument or the result cannot be cloned
   * @throws {JobTimeoutError} If the job executes for longer than its timeout
   * @throws {QueueFullError} If the queue is full and `whenFull` is `"reject"`
   * @throws {JobDiscardedError} If it waits in a full queue and `whenFull` is `"discard-oldest"`
   * @throws {PoolClosedError} If the pool was closed before the call
   * @throws {PoolTerminatedError} If the pool is terminated
   * @throws {WorkerCrashedError} If the job's worker dies, or workers die in a row
   * @throws {MemoryLimitError} If its worker dies for lack of memory
   * @throws {WorkerStartError} If the module cannot be imported
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * const text = await pool.execute((text: string) => text.toUpperCase(), ["hi"], {
   *   signal: AbortSignal.timeout(10_000),
   * });
   * assertEquals(text, "HI");
   * ```
   */
  execute<Job extends JobName<Jobs> | InlineJob>(
    job:
      & Job
      & (Job extends InlineJob
        ? JobName<{ inline: Job }> extends never
          ? { "a generator cannot be a job": never }
        : unknown
        : unknown),
    ...args: [] extends JobArguments<Jobs, Job>
      ? [args?: JobArguments<Jobs, Job>, options?: ExecuteOptions]
      : [args: JobArguments<Jobs, Job>, options?: ExecuteOptions]
  ): Promise<JobResult<Jobs, Job>>;
  // With `never` TypeScript does not name this one in its messages.
  execute(
    job: never,
    args: readonly unknown[] = NO_ARGUMENTS,
    options?: ExecuteOptions,
  ): Promise<unknown> {
    try {
      return this.#intake.accept(job, args, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resolves when the queue has room, at once if it has some now.
   *
   * Waiters are released one at a time, in order, each after a new look. It
   * reserves nothing: who awaits something else before `execute()` may find the
   * queue full again. Who does not await it is not bounded.
   *
   * @throws {PoolClosedError} If the pool is closed, before or while waiting
   * @throws {PoolTerminatedError} If the pool is terminated, before or while waiting
   * @throws {WorkerStartError} If the pool's workers cannot start
   *
   * @example A producer that is no faster than the pool
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assert } from "@std/assert";
   *
   * await using pool = new ThreadPool({ size: 1, queue: { capacity: 2 } });
   * for (let i = 0; i < 10; i++) {
   *   await pool.ready();
   *   pool.execute((i: number) => i * i, [i]);
   *   assert(pool.stats().queued <= 3);
   * }
   * ```
   */
  ready(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => {
      signal?.throwIfAborted();
      if (this.#lifetime.refusal) throw this.#lifetime.refusal;
      return this.#room.wait(signal);
    });
  }

  /**
   * Resolves when nothing is queued or running, and no stream of a result is
   * open, at once if that is so now. A job that was aborted counts as ended,
   * whatever its handler still does.
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * for (let i = 0; i < 5; i++) pool.execute((i: number) => i, [i]);
   * await pool.drain();
   * assertEquals(pool.stats().completed, 5);
   * ```
   */
  drain(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => this.#lifetime.drained(signal));
  }

  /**
   * Refuses new jobs, finishes those accepted, however long they take, with the
   * streams of their results, and tells the workers to end. Every call returns the same
   * promise; a `terminate()` meanwhile settles it.
   *
   * @example
   * ```ts
   * import { PoolClosedError, ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const pool = new ThreadPool(1);
   * const result = pool.execute(() => 42);
   * const closed = pool.close();
   * await assertRejects(() => pool.execute(() => 43), PoolClosedError);
   * assertEquals(await result, 42);
   * await closed;
   * ```
   */
  close(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => {
      this.#lifetime.close();
      return this.#lifetime.ended(signal);
    });
  }

  /**
   * Ends the workers now and rejects every job that has not ended with
   * {@linkcode PoolTerminatedError}.
   *
   * @param reason The `cause` of those errors
   *
   * @example
   * ```ts
   * import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const pool = new ThreadPool(1);
   * const result = pool.execute(() => new Promise(() => {}));
   * pool.terminate("enough");
   * const error = await assertRejects(() => result, PoolTerminatedError);
   * assertEquals(error.cause, "enough");
   * ```
   */
  terminate(reason?: unknown, options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => {
      this.#lifetime.terminate(reason);
      return this.#lifetime.ended(signal);
    });
  }

  /**
   * The same as {@linkcode ThreadPool.close}, for `await using`.
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   *
   * await using pool = new ThreadPool(1);
   * pool.execute(() => console.log("hello from a worker"));
   * ```
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * What the pool does now and has done so far.
   *
   * @returns A snapshot
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * await pool.execute(() => 1);
   * const { completed, running, runTime } = pool.stats();
   * assertEquals([completed, running, runTime.count], [1, 0, 1]);
   * ```
   */
  stats(): PoolStats {
    const { size, idle, queued, running } = this.#dispatcher.snapshot();
    const { completed, failed, aborted, timedOut, crashed } = this.#meter;
    const { lost } = this.#dispatcher;
    const { waitTime, runTime, utilization } = this.#meter;
    return {
      size,
      idle,
      busy: size - idle,
      queued,
      running,
      completed,
      failed,
      aborted,
      timedOut,
      crashed,
      lost,
      waitTime,
      runTime,
      utilization,
    };
  }

  /**
   * Listens to one of the pool's events.
   *
   * @param type The event's type
   * @param listener What is called with it
   * @param options As of `EventTarget`
   */
  override addEventListener<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    listener:
      | ((event: ThreadPoolEventMap[Type]) => void)
      | { handleEvent(event: ThreadPoolEventMap[Type]): void }
      | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#listeners.add(type);
    super.addEventListener(type, listener as EventListener, options);
  }

  /**
   * Stops listening.
   *
   * @param type The event's type
   * @param listener What was given to `addEventListener`
   * @param options As of `EventTarget`
   */
  override removeEventListener<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    listener:
      | ((event: ThreadPoolEventMap[Type]) => void)
      | { handleEvent(event: ThreadPoolEventMap[Type]): void }
      | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListener, options);
  }
}

/** Checks the options of a method that waits, and turns what is thrown into a rejection. */
function waitFor(
  options: WaitOptions | undefined,
  wait: (signal?: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    return wait(options === undefined ? options : waitSettings(options).signal);
  } catch (error) {
    return Promise.reject(error);
  }
}
