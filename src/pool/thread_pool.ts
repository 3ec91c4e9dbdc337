// The pool: takes jobs in, settles their promises, and closes.

import { AbortWatch } from "../job/abort_watch.ts";
import { Dispatcher, type DispatcherEvents } from "../dispatch/dispatcher.ts";
import {
  JobCloneError,
  JobDiscardedError,
  JobNotFoundError,
  JobTimeoutError,
  MemoryLimitError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  WorkerCrashedError,
  WorkerStartError,
} from "../errors.ts";
import { explain } from "./explain.ts";
import { checkCall, takePayload } from "./intake.ts";
import { Job } from "../job/job.ts";
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
import type { Outcome } from "../dispatch/lane.ts";
import { connectBytes, connectDescriptor } from "../moving/connect.ts";
import type { Connect } from "../moving/kind.ts";
import type { ExecuteOptions, ThreadPoolOptions } from "../options.ts";
import type { WhyStays } from "../values/pack.ts";
import { emit, hasListener, PoolEvents } from "./events.ts";
import { Meter, type PoolStats } from "../job/stats.ts";
import { whyStaysHere } from "../process/crossing.ts";
import { Room } from "../job/room.ts";
import { type PoolSettings, poolSettings } from "./settings.ts";
import { type JobRun, Settlement } from "../job/settlement.ts";
import { textOf } from "../values/text_of.ts";
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
  readonly #clock = new TurnClock();
  readonly #meter: Meter;
  readonly #aborts: AbortWatch;
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
    this.#aborts = new AbortWatch((job, reason) => {
      const run = this.#runOf(job);
      this.#dispatcher.abort(job, reason);
      this.#settlement.abort(job, reason, run);
    });
    this.#settlement = new Settlement(this.#meter, this.#aborts, {
      settled: (job, ok, error, run) => {
        this.#jobSettled(job, ok, error, run);
      },
      drained: () => this.#allSettled(),
    });
    this.#dispatcher = new Dispatcher(settings, this.#dispatcherEvents());
    this.#room = new Room((count) => this.#hasRoomFor(count));
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

  #accept(
    name: unknown,
    args: readonly unknown[],
    options: ExecuteOptions | undefined,
  ): Promise<unknown> {
    const { functions } = this.#dispatcher;
    const settings = this.#settings;
    const call = checkCall(name, args, options, functions, settings);
    if (this.#refusal) throw this.#refusal();
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.#checkProspect();
    const isFull = settings.whenFull !== "wait" && !this.#hasRoomFor(1);
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
    if (signal) this.#aborts.add(signal, job);
    functions.begin(job.fn);
    this.#settlement.add();
    this.#room.use();
    // Not before the job is sure to be accepted. The last that waited may have started.
    const discarded = discards ? this.#dispatcher.takeOldest() : undefined;
    // A getter among the arguments may have ended the pool, or aborted the job.
    if (this.#isEnded) this.#settlement.fail(job, this.#refusal!());
    else if (signal?.aborted) this.#settlement.abort(job, signal.reason);
    else if (!isHere || !this.#dispatcher.executeHere(job)) {
      this.#dispatcher.add(job);
    }
    // Whoever hears of it may do anything.
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
    const { name } = this.#describe(job);
    const error = new JobDiscardedError(
      `Job "${name}" was discarded for a newer one. ${this.#fullness()}`,
    );
    this.#settlement.fail(job, error);
  }

  #fullness(): string {
    return `The queue is full: its capacity is ${this.#settings.capacity}`;
  }

  /** Every worker can have as many jobs as may be in progress, and the queue its capacity beside. */
  #hasRoomFor(count: number): boolean {
    const { size, concurrency, capacity } = this.#settings;
    return this.#dispatcher.outstanding + count <=
      size * concurrency + capacity;
  }

  #dispatcherEvents(): DispatcherEvents {
    const meter = this.#meter;
    const settlement = this.#settlement;
    return {
      tellsStarts: () => hasListener(this, "jobstart"),
      jobStarted: (job, workerId) => {
        emit(this, "jobstart", { ...this.#describe(job), workerId });
      },
      jobValue: (job, value, workerId, start, end) => {
        meter.jobEnded(job.submitted, start, end);
        const run = this.#tellsEnds ? { workerId, start, end } : undefined;
        settlement.resolve(job, value, run);
      },
      jobEnded: (job, outcome, workerId, start, end, open) => {
        meter.jobEnded(job.submitted, start, end);
        if (open) settlement.hold(open);
        const run = this.#tellsEnds ? { workerId, start, end } : undefined;
        this.#settleAs(outcome, job, run);
      },
      freed: () => this.#room.release(),
      emptied: () => this.#restSoon(),
      jobLost: (job, error) => settlement.fail(job, error),
      jobTimedOut: (job) => this.#timeOut(job, this.#runOf(job)),
      jobCrashed: (job, run, cause) => {
        const { name } = this.#describe(job);
        settlement.fail(job, crashError(name, run !== undefined, cause), run);
      },
      workerStarted: (workerId) => {
        meter.workerStarted(workerId);
        emit(this, "workerstart", { workerId });
      },
      workerStopped: (workerId) => {
        meter.workerStopped(workerId);
        emit(this, "workerstop", { workerId });
      },
      workerDied: (workerId, error) => {
        meter.crashed++;
        emit(this, "workererror", { workerId, error });
      },
      workerLost: (workerId) => {
        const error = new Error(
          "The worker could not be stopped: its thread goes on",
        );
        emit(this, "workererror", { workerId, error });
      },
      workerForged: (workerId) => {
        const error = new Error(
          "A job has posted a message of its own, which was dropped",
        );
        emit(this, "workererror", { workerId, error });
      },
      startFailed: (cause) => {
        this.#stop(() => startError(this.#settings.module, cause));
      },
    };
  }

  get #tellsEnds(): boolean {
    return hasListener(this, "jobend");
  }

  /** Where and since when a job runs, for those who listen, if it runs. */
  #runOf(job: Job): JobRun | undefined {
    return this.#tellsEnds ? this.#dispatcher.runOf(job) : undefined;
  }

  #settleAs(outcome: Outcome, job: Job, run: JobRun | undefined): void {
    const settlement = this.#settlement;
    switch (outcome.kind) {
      case "value":
        return settlement.resolve(job, outcome.value, run);
      case "error":
        explain(outcome.error, job.fn);
        return settlement.fail(job, outcome.error, run);
      case "not-found":
        return settlement.fail(job, new JobNotFoundError(outcome.message), run);
      case "not-cloneable":
        return settlement.fail(job, new JobCloneError(outcome.message), run);
      case "timed-out":
        return this.#timeOut(job, run);
    }
  }

  #timeOut(job: Job, run: JobRun | undefined): void {
    const { name } = this.#describe(job);
    const error = new JobTimeoutError(
      `Job "${name}" executed for longer than its timeout of ${job.timeout} ms`,
    );
    this.#settlement.timeOut(job, error, run);
  }

  #describe(job: Job): { jobId: number; name: string } {
    return { jobId: job.id, name: job.fn.name };
  }

  #jobSettled(
    job: Job,
    ok: boolean,
    error: unknown,
    run: JobRun | undefined,
  ): void {
    this.#dispatcher.functions.end(job.fn);
    if (!this.#tellsEnds) return;
    const now = performance.now();
    const { workerId, start, end } = run ??
      { workerId: undefined, start: now, end: now };
    emit(this, "jobend", {
      ...this.#describe(job),
      ok,
      error,
      workerId,
      waitTime: Math.max(0, start - job.submitted),
      runTime: Math.max(0, end - start),
    });
  }

  /** Lets the process end, once the pool has had nothing to do for a moment. */
  #restSoon(): void {
    if (this.#isEnded) return;
    this.#restTimer ??= setTimeout(() => {
      this.#restTimer = undefined;
      const isIdle = this.#settlement.waiting === 0 &&
        this.#dispatcher.outstanding === 0;
      if (isIdle) this.#dispatcher.keepProcess(false);
    }, REST_AFTER);
  }

  #allSettled(): void {
    this.#restSoon();
    this.#drained?.resolve();
    this.#drained = undefined;
    emit(this, "drain");
    // Who heard of it may have given a new job before closing.
    if (this.#refusal && this.#settlement.waiting === 0) {
      this.#stop(this.#refusal);
    }
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
    for (const job of this.#dispatcher.stop(refusal())) {
      this.#settlement.fail(job, refusal());
    }
    // A stream that still ends somewhere is not waited for any more.
    this.#drained?.resolve();
    const { gone } = this.#dispatcher;
    if (gone) gone.then(() => this.#ended.resolve());
    else this.#ended.resolve();
  }
}

function crashError(
  name: string,
  started: boolean,
  cause: unknown,
): WorkerCrashedError {
  if (started && isOutOfMemory(cause)) {
    return new MemoryLimitError(
      `Job "${name}" needed more memory than its worker may have, and the worker died`,
      { cause, started },
    );
  }
  const message = started
    ? `The worker died while job "${name}" was running`
    : `The worker died before job "${name}" had started, and what moved with it is lost`;
  return new WorkerCrashedError(`${message}: ${reasonOf(cause)}`, {
    cause,
    started,
  });
}

function startError(
  module: string | undefined,
  cause: unknown,
): WorkerStartError {
  const what = module === undefined
    ? "A worker"
    : `A worker of module ${module}`;
  return new WorkerStartError(`${what} could not start: ${reasonOf(cause)}`, {
    cause,
  });
}

function isOutOfMemory(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause &&
    cause.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : textOf(cause);
}

function stackOfCaller(): string {
  const lines = new Error().stack?.split("\n") ?? [];
  // Without the message and the frames of the pool itself.
  return lines.slice(4).join("\n");
}
