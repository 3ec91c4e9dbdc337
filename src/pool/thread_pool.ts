// The pool: the public contract, and which parts stand behind it.

import { Dispatcher } from "../dispatch/dispatcher.ts";
import { startError } from "../job/failures.ts";
import { FunctionTable } from "../job/functions.ts";
import type { ThreadPoolEventMap } from "../job/news.ts";
import { Room } from "../job/room.ts";
import { Settlement } from "../job/settlement.ts";
import { Meter, type PoolStats } from "../job/stats.ts";
import type {
  ExecuteOptions,
  ThreadPoolOptions,
  WaitOptions,
} from "../options.ts";
import { Listeners } from "./events.ts";
import { Intake } from "./intake.ts";
import type {
  InlineJob,
  JobArguments,
  JobName,
  JobResult,
} from "./job_types.ts";
import { Lifetime } from "./lifetime.ts";
import type { Sender } from "./sender.ts";
import { Senders } from "./senders.ts";
import { poolSettings, waitSettings } from "./settings.ts";

const NO_ARGUMENTS: readonly unknown[] = [];

/**
 * Runs functions on worker threads and returns their results as promises.
 *
 * - **Order**: jobs start in the order in which they were submitted.
 * - **Settlement**: every promise settles exactly once, whatever happens to a
 *   worker. A job that has started never runs again. One that has not started goes
 *   to another worker, unless what moved with it is lost.
 * - **Ownership**: arguments and results are cloned, or move if they are marked
 *   with {@linkcode transfer}. Connections, requests, responses and streams move by
 *   themselves. Jobs never share an object.
 * - **Limits**: a `timeout` ends a job, even in a synchronous loop. The options
 *   `hardKill`, `memoryLimit`, `permissions` and `isolation` make workers a
 *   sandbox, see {@linkcode ThreadPoolOptions}.
 * - **Workers** start when there is work for them, one at a time, and are replaced
 *   when they die. After ten deaths in a row the next worker starts later each
 *   time, and new jobs are refused meanwhile. If the first worker cannot start, the
 *   pool stops.
 * - **Threads** that cannot be stopped are bounded: there are never more than twice
 *   `size`. Beyond that, jobs wait.
 * - **Memory**: at most two large payloads are on their way to a worker, and two
 *   from it.
 * - **Process**: a pool keeps its process alive only for its jobs, and for the
 *   streams and connections they serve. `await using` closes the pool.
 *
 * Imported from JSR, a pool needs `--allow-read` for a local `module`, and no
 * permission for inline jobs. Its workers have the permissions of the program,
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
  readonly #news = new Listeners(this);
  readonly #meter: Meter;
  readonly #dispatcher: Dispatcher;
  readonly #room: Room;
  readonly #lifetime: Lifetime;
  readonly #intake: Intake;
  readonly #senders: Senders;

  /**
   * Creates a pool. No worker starts before there is a job for it.
   *
   * @param options The number of workers, or the options
   * @throws {TypeError} If an option is unknown, has the wrong type or excludes another
   * @throws {RangeError} If an option is out of range
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertThrows } from "@std/assert";
   *
   * await using pool = new ThreadPool({ size: 2, queue: { capacity: 64 } });
   * assertThrows(() => new ThreadPool({ size: 0 }), RangeError, "`size`");
   * ```
   */
  constructor(options?: number | ThreadPoolOptions) {
    super();
    const settings = poolSettings(options);
    const { size, concurrency, capacity, module, signal } = settings;
    const news = this.#news;
    const functions = new FunctionTable();
    const meter = this.#meter = new Meter(concurrency);
    const settlement = new Settlement({
      meter,
      functions,
      news,
      onAbort: (job, reason) => dispatcher.abort(job, reason),
      onDrained: () => lifetime.onDrained(),
    });
    // Each worker can have as many jobs as may be in progress, the queue its capacity beside.
    const most = size * concurrency + capacity;
    const room = this.#room = new Room(most, () => lifetime.onEmpty());
    const parts = {
      settings,
      functions,
      settlement,
      room,
      meter,
      news,
      signal,
    };
    const dispatcher = this.#dispatcher = new Dispatcher(settings, {
      ...parts,
      onBroken: (cause) => lifetime.stop(() => startError(module, cause)),
    });
    const lifetime = this.#lifetime = new Lifetime({ ...parts, dispatcher });
    const intake = this.#intake = new Intake({
      ...parts,
      dispatcher,
      lifetime,
    });
    this.#senders = new Senders({ ...parts, dispatcher, intake, lifetime });
  }

  /**
   * Runs a job on a worker.
   *
   * **Order**: jobs start in the order of these calls.
   *
   * **Ownership**: arguments are cloned, so do not change them until the promise
   * settles. A `Deno.Conn`, `Request`, `Response`, `ReadableStream` or
   * `WritableStream` moves by itself, and {@linkcode transfer} moves buffers and
   * ports. What moves belongs to the job from this call on and ends with the job:
   * connections close, unread streams are canceled, and written streams close, or
   * abort if the job fails. A call that is refused moves nothing.
   *
   * **Results**: all of these but connections can move in a result, too. If a result
   * holds a stream, the promise settles when the handler returns, and what moved
   * into the job ends with the stream.
   *
   * `URL`, `URLSearchParams`, `Headers`, `FormData`, `ImageData` and, as an argument,
   * `AbortSignal` arrive as what they are. What would arrive as an empty object is
   * refused.
   *
   * **On abort**: the promise rejects at once with the signal's reason. A job that
   * has not started never will. In a running job `currentJob().signal` fires, reads
   * from its connections reject with `Deno.errors.Interrupted`, and writes still
   * work. If the handler has not ended after `abortGrace`, its worker is stopped and
   * replaced, and the other jobs in progress on that worker reject with
   * {@linkcode WorkerCrashedError}. A timeout ends a job in the same way.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @param job The name of a function of the pool's module, or a self-contained function, which is sent as its source
   * @param args The handler's arguments, as an array; optional if it needs none
   * @param options How to run this job
   * @returns What the handler returns, awaited
   * @throws What the handler throws: built-in classes keep their class, others their name and properties
   * @throws {TypeError} If the job, its arguments or its options have the wrong type
   * @throws {JobNotFoundError} If the module exports no such function
   * @throws {JobCloneError} If an argument or the result can be neither cloned nor moved
   * @throws {JobTimeoutError} If the job runs longer than its timeout
   * @throws {QueueFullError} If the queue is full and nothing may wait, see {@linkcode QueueOptions.whenFull}
   * @throws {JobDiscardedError} If the job made room for a newer one
   * @throws {PoolClosedError} If the pool was closed before the call
   * @throws {PoolTerminatedError} If the pool is terminated
   * @throws {WorkerCrashedError} If the job's worker dies, or if workers die in a row
   * @throws {MemoryLimitError} If the job's worker runs out of memory
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
   * Waits until the queue has room. Resolves at once if it has room now.
   *
   * Waiters are released one at a time, in order. This reserves nothing: if you
   * await something else before `execute()`, the queue may be full again. Without
   * awaiting `ready()` the queue is unbounded, unless
   * {@linkcode QueueOptions.whenFull} says otherwise.
   *
   * **On abort**: rejects with the signal's reason, at once if it has already
   * aborted, and gives up its place in line.
   *
   * @param options How long to wait
   * @throws {TypeError} If the options are wrong
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
   * Gives a handle to this pool, which moves by itself into a job of any pool, also
   * of this one: there it gives jobs to this pool. `close()` waits for all senders
   * to be closed, see {@linkcode Sender}.
   *
   * @returns A sender of its own; close it when no job follows
   * @throws {PoolClosedError} If the pool is closed
   * @throws {PoolTerminatedError} If the pool is terminated
   *
   * @example Keep a pool open for another producer
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * const pool = new ThreadPool(1);
   * const sender = pool.sender();
   * const closed = pool.close();
   * assertEquals(await sender.execute(() => 42), 42);
   * sender.close();
   * await closed;
   * ```
   */
  sender(): Sender<Jobs> {
    if (this.#lifetime.refusal) throw this.#lifetime.refusal;
    return this.#senders.open() as unknown as Sender<Jobs>;
  }

  /**
   * Waits until nothing is queued or running and no stream of a result is open.
   * Resolves at once if that is so now.
   *
   * Every job's promise has settled by then. What you chained to these promises runs
   * in its own turn: await it yourself if you need it. An aborted job counts as
   * ended, even while its handler still runs.
   *
   * **On abort**: rejects with the signal's reason, at once if it has already
   * aborted. The jobs go on.
   *
   * @param options How long to wait
   * @throws {TypeError} If the options are wrong
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
   * Refuses new jobs, finishes the accepted ones, with the streams of their results,
   * and then stops the workers. Resolves when that is done, however long it takes.
   *
   * You may call it again, to wait again. A `terminate()` meanwhile ends the wait.
   *
   * **On abort**: rejects with the signal's reason, at once if it has already
   * aborted. This ends the wait only: the pool is closed all the same, and its jobs
   * go on. To stop them, call {@linkcode ThreadPool.terminate}.
   *
   * @param options How long to wait
   * @throws {TypeError} If the options are wrong; the pool stays open
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
   *
   * @example Give jobs five seconds to finish
   * ```ts
   * import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
   * import { assertRejects } from "@std/assert";
   *
   * const pool = new ThreadPool(1);
   * const endless = pool.execute(() => new Promise(() => {}));
   * const rejected = assertRejects(() => endless, PoolTerminatedError);
   * const signal = AbortSignal.timeout(5); // 5_000 in earnest
   * await pool.close({ signal }).catch((reason) => pool.terminate(reason));
   * await rejected;
   * ```
   */
  close(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => {
      this.#lifetime.close();
      return this.#lifetime.ended(signal);
    });
  }

  /**
   * Stops the workers now and rejects every job that has not ended with
   * {@linkcode PoolTerminatedError}. Resolves when the pool has ended: at once, or,
   * if the workers are processes, when these are gone.
   *
   * You may call it again, to wait again; the first reason counts.
   *
   * **On abort**: rejects with the signal's reason, at once if it has already
   * aborted. This ends the wait only: the pool is terminated all the same.
   *
   * @param reason The `cause` of those errors
   * @param options How long to wait
   * @throws {TypeError} If the options are wrong; the pool goes on
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
   * Closes the pool, as {@linkcode ThreadPool.close} does, for `await using`.
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * const pool = new ThreadPool(1);
   * {
   *   await using _ = pool;
   *   pool.execute(() => 42);
   * }
   * assertEquals(pool.stats().completed, 1);
   * ```
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Returns what the pool is doing now and what it has done so far.
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
    const workers = { size, idle, busy: size - idle };
    const ended = { completed, failed, aborted, timedOut, crashed, lost };
    const times = { waitTime, runTime, utilization };
    return { ...workers, queued, running, ...ended, ...times };
  }

  /**
   * Listens to one of the pool's events. An event without a listener costs nothing,
   * and no listener changes how jobs are sent.
   *
   * @typeParam Type The type of the event
   * @param type The type of the event, see {@linkcode ThreadPoolEventMap}
   * @param listener What to call with the event
   * @param options As for `EventTarget`
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * const names: string[] = [];
   * pool.addEventListener("jobend", ({ detail }) => names.push(detail.name));
   * await pool.execute(function answer() {
   *   return 42;
   * });
   * assertEquals(names, ["answer"]);
   * ```
   */
  override addEventListener<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    listener:
      | ((event: ThreadPoolEventMap[Type]) => void)
      | { handleEvent(event: ThreadPoolEventMap[Type]): void }
      | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#news.add(type);
    super.addEventListener(type, listener as EventListener, options);
  }

  /**
   * Stops listening to one of the pool's events.
   *
   * @typeParam Type The type of the event
   * @param type The type of the event
   * @param listener The listener that was given to `addEventListener`
   * @param options As for `EventTarget`
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   *
   * await using pool = new ThreadPool(1);
   * const onDrain = () => console.log("all done");
   * pool.addEventListener("drain", onDrain);
   * pool.removeEventListener("drain", onDrain);
   * ```
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
