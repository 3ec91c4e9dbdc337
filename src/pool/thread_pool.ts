// The pool: takes jobs in, settles their promises, and closes.

import { Dispatcher } from "../dispatch/dispatcher.ts";
import {
  JobDiscardedError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  WorkerCrashedError,
} from "../errors.ts";
import { checkCall, takePayload } from "./intake.ts";
import { startError } from "../job/failures.ts";
import { FunctionTable } from "../job/functions.ts";
import { Job } from "../job/job.ts";
import type { News } from "../job/news.ts";
import type {
  CanBeBareJob,
  CanBeJob,
  InlineJob,
  JobArguments,
  JobFunction,
  JobName,
  JobResult,
  UntypedJobs,
} from "./job_types.ts";
import { connectBytes, connectDescriptor } from "../moving/connect.ts";
import type { Connect } from "../moving/departures.ts";
import type { ExecuteOptions, ThreadPoolOptions } from "../options.ts";
import type { WhyStays } from "../values/pack.ts";
import { emit, hasListener, PoolEvents } from "./events.ts";
import { Meter, type PoolStats } from "../job/stats.ts";
import { whyStaysHere } from "../process/crossing.ts";
import { Room } from "../job/room.ts";
import { type PoolSettings, poolSettings } from "./settings.ts";
import { Settlement } from "../job/settlement.ts";
import { TurnClock } from "./turn_clock.ts";

const NO_ARGUMENTS: readonly unknown[] = [];

/** A pool that has had nothing to do for so many ms does not keep its process: jobs that follow each other cost nothing. */
const REST_AFTER = 20;

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
export class ThreadPool<Jobs = UntypedJobs> extends PoolEvents
  implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #functions = new FunctionTable();
  readonly #clock = new TurnClock();
  readonly #meter: Meter;
  readonly #connect: Connect;
  readonly #whyStays: WhyStays | undefined;
  readonly #settlement: Settlement;
  readonly #dispatcher: Dispatcher;
  readonly #room: Room;
  readonly #ended = Promise.withResolvers<void>();
  #drained: PromiseWithResolvers<void> | undefined;
  /** What a new job is refused with, once the pool takes none. */
  #refusal: (() => Error) | undefined;
  #isEnded = false;
  #jobCount = 0;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a pool. No worker starts before there is a job for it.
   *
   * @param options The size, or the options
   * @throws {TypeError} If an option is unknown or of the wrong type
   * @throws {RangeError} If an option is out of range
   */
  constructor(options?: number | ThreadPoolOptions) {
    super();
    const settings = this.#settings = poolSettings(options);
    this.#meter = new Meter(settings.concurrency);
    this.#connect = settings.connections === "descriptor"
      ? connectDescriptor
      : connectBytes;
    if (settings.isolation === "process") this.#whyStays = whyStaysHere;
    const functions = this.#functions;
    const news: News = {
      wants: (type) => hasListener(this, type),
      tell: (type, detail) => emit(this, type, detail),
    };
    const settlement = this.#settlement = new Settlement({
      meter: this.#meter,
      functions,
      news,
      onAbort: (job, reason) => this.#dispatcher.abort(job, reason),
      onDrained: () => this.#drain(),
    });
    const { size, concurrency, capacity } = settings;
    // Every worker can have as many jobs as may be in progress, and the queue its capacity beside.
    const room = this.#room = new Room(
      size * concurrency + capacity,
      () => this.#restSoon(),
    );
    this.#dispatcher = new Dispatcher(settings, {
      functions,
      settlement,
      room,
      meter: this.#meter,
      news,
      onBroken: (cause) => {
        this.#stop(() => startError(settings.module, cause));
      },
    });
    if (settings.signal?.aborted) this.terminate(settings.signal.reason);
    else settings.signal?.addEventListener("abort", this.#onSignal);
  }

  /**
   * Runs a job that needs no arguments on a worker: the same as
   * `execute(job, [])`.
   *
   * @typeParam Job The name of a function of the module, or an inline function
   * @param job The name of a function of the pool's module, or a self-contained function
   * @returns What the handler returns, or resolves to
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * assertEquals(await pool.execute(() => 6 * 7), 42);
   * ```
   */
  execute<Job extends JobName<Jobs> | InlineJob>(
    job: Job & CanBeBareJob<JobFunction<Jobs, Job>>,
  ): Promise<JobResult<JobFunction<Jobs, Job>>>;
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
    job: Job & CanBeJob<JobFunction<Jobs, Job>>,
    args: JobArguments<JobFunction<Jobs, Job>>,
    options?: ExecuteOptions,
  ): Promise<JobResult<JobFunction<Jobs, Job>>>;
  // With `never` TypeScript does not name this one in its messages.
  execute(
    job: never,
    args?: readonly unknown[],
    options?: ExecuteOptions,
  ): Promise<unknown> {
    let result: Promise<unknown>;
    try {
      result = this.#accept(
        job,
        args === undefined ? NO_ARGUMENTS : args,
        options,
      );
    } catch (error) {
      result = Promise.reject(error);
    }
    return result;
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
  ready(): Promise<void> {
    return this.#refusal ? Promise.reject(this.#refusal()) : this.#room.wait();
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
  drain(): Promise<void> {
    if (this.#settlement.waiting === 0) return Promise.resolve();
    return (this.#drained ??= Promise.withResolvers()).promise;
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
  close(): Promise<void> {
    if (!this.#refusal) {
      this.#refuse(() => new PoolClosedError("The pool is closed"));
      if (this.#settlement.waiting === 0) this.#stop(this.#refusal!);
    }
    return this.#ended.promise;
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
  terminate(reason?: unknown): Promise<void> {
    this.#stop(() => {
      return new PoolTerminatedError("The pool is terminated", {
        cause: reason,
      });
    });
    return this.#ended.promise;
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
    const { size, idle, queued, running, lost } = this.#dispatcher.snapshot();
    const { completed, failed, aborted, timedOut, crashed } = this.#meter;
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

  #accept(
    name: unknown,
    args: readonly unknown[],
    options: ExecuteOptions | undefined,
  ): Promise<unknown> {
    const settings = this.#settings;
    const call = checkCall(name, args, options, this.#functions, settings);
    if (this.#refusal) throw this.#refusal();
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.#checkProspect();
    const isFull = settings.whenFull !== "wait" && !this.#room.hasRoomFor(1);
    const isHere = isFull && settings.whenFull === "caller-runs";
    const discards = isFull && !isHere;
    if (discards) this.#checkRoom();
    const payload = takePayload(
      call,
      this.#dispatcher,
      this.#connect,
      this.#whyStays,
    );
    let { extras } = payload;
    if (settings.callerStack) (extras ??= {}).callerStack = stackOfCaller();
    if (signal) (extras ??= {}).signal = signal;
    const timeout = options?.timeout ?? settings.timeout;
    if (timeout < Infinity) (extras ??= {}).timeout = timeout;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const job = new Job(
      ++this.#jobCount,
      call.fn,
      payload.args,
      this.#clock.now(),
      extras,
      resolve,
    );
    this.#settlement.add(job);
    // Not before the job is sure to be accepted. The last that waited may have started.
    const discarded = discards ? this.#dispatcher.takeOldest() : undefined;
    // A getter among the arguments may have ended the pool, or aborted the job.
    if (this.#isEnded) this.#settlement.fail(job, this.#refusal!());
    else if (signal?.aborted) this.#settlement.abort(job, signal.reason);
    else if (!isHere || !this.#dispatcher.executeHere(job)) {
      this.#dispatcher.add(job);
    }
    if (discarded) this.#discard(discarded);
    return promise;
  }

  /** While the workers die one after the other, there is no use in waiting for them. */
  #checkProspect(): void {
    const breakdown = this.#dispatcher.breakdown;
    if (breakdown === undefined) return;
    const { deaths, delay } = breakdown;
    throw new WorkerCrashedError(
      `${deaths} workers have died in a row, the next one starts in ${
        Math.ceil(delay)
      } ms`,
      { started: false },
    );
  }

  /** Refuses a job where the queue is full, and nothing can make room in it. */
  #checkRoom(): void {
    const { whenFull } = this.#settings;
    if (whenFull === "discard-oldest" && this.#dispatcher.hasWaiting) return;
    throw new QueueFullError(this.#fullness());
  }

  /** Settles a job that has made room. */
  #discard(job: Job): void {
    const error = new JobDiscardedError(
      `Job "${job.fn.name}" was discarded for a newer one. ${this.#fullness()}`,
    );
    this.#settlement.fail(job, error);
  }

  #fullness(): string {
    return `The queue is full: its capacity is ${this.#settings.capacity}`;
  }

  /** Lets the process end, once the pool has had nothing to do for a moment. */
  #restSoon(): void {
    if (this.#isEnded) return;
    this.#restTimer ??= setTimeout(() => {
      this.#restTimer = undefined;
      const isIdle = this.#settlement.waiting === 0 &&
        this.#room.jobs === 0;
      if (isIdle) this.#dispatcher.keepProcess(false);
    }, REST_AFTER);
  }

  /** Nothing is queued or running any more. */
  #drain(): void {
    this.#restSoon();
    this.#drained?.resolve();
    this.#drained = undefined;
    if (hasListener(this, "drain")) {
      this.dispatchEvent(new CustomEvent("drain"));
    }
    if (this.#refusal) this.#stop(this.#refusal);
  }

  readonly #onSignal = (event: Event): void => {
    this.terminate((event.target as AbortSignal).reason);
  };

  /** From now on new jobs, and those who wait for room, are refused. */
  #refuse(refusal: () => Error): void {
    this.#refusal = refusal;
    this.#room.refuse(refusal);
  }

  /** Ends all workers, rejects what has not ended, and takes nothing more. */
  #stop(refusal: () => Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#restTimer);
    this.#settings.signal?.removeEventListener("abort", this.#onSignal);
    this.#refuse(refusal);
    const gone = this.#dispatcher.stop(refusal);
    // A stream that still ends somewhere is not waited for any more.
    this.#drained?.resolve();
    if (gone) gone.then(() => this.#ended.resolve());
    else this.#ended.resolve();
  }
}

function stackOfCaller(): string {
  const lines = new Error().stack?.split("\n") ?? [];
  // Without the message and the frames of the pool itself.
  return lines.slice(4).join("\n");
}
