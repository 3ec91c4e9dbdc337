// The class `ThreadPool`: its public contract, and the parts behind it.

import { Dispatcher } from "../dispatch/dispatcher.ts";
import type { WorkerActivity } from "../job/activity.ts";
import { startError } from "../job/failures.ts";
import { FunctionTable } from "../job/functions.ts";
import type { ThreadPoolEventMap } from "../job/pool_events.ts";
import { Room } from "../job/room.ts";
import { Settlement } from "../job/settlement.ts";
import { Meter, type PoolStats, type StatsOptions } from "../job/stats.ts";
import type {
  ExecuteOptions,
  MapOptions,
  OnError,
  PoolSize,
  StreamOptions,
  ThreadPoolOptions,
  WaitOptions,
} from "../options.ts";
import { Listeners } from "./listeners.ts";
import { Intake } from "./intake.ts";
import { type JobFunctions, jobFunctions } from "./job_functions.ts";
import { openStream } from "./job_stream.ts";
import type {
  InlineGenerator,
  InlineJob,
  JobArguments,
  JobItem,
  JobName,
  JobResult,
  JobStream,
  MapResult,
  NoGenerator,
  NoSecondArgument,
  StreamName,
  StreamValue,
} from "./job_types.ts";
import { Lifetime } from "./lifetime.ts";
import type { ItemSource } from "./map_source.ts";
import { Maps } from "./maps.ts";
import type { Sender } from "./sender.ts";
import type { PoolParts } from "./parts.ts";
import { Senders } from "./senders.ts";
import {
  type PoolSettings,
  poolSettings,
  resizeSettings,
  statsSettings,
  waitSettings,
} from "./settings.ts";

const NO_ARGUMENTS: readonly unknown[] = [];

/**
 * Runs functions on worker threads and returns their results as promises.
 *
 * - **Order**: jobs start in the order of the calls, unless they have a `priority` or
 *   a `key`, see {@linkcode ExecuteOptions}.
 * - **Settlement**: every promise settles exactly once, even if a worker crashes. A
 *   job that has started never runs again. A job that has not started goes to another
 *   worker, unless a value that moved with it is lost.
 * - **Ownership**: arguments and results are cloned, or move if they are marked with
 *   {@linkcode transfer}. Connections, requests, responses and streams move by
 *   themselves. Jobs never share an object.
 * - **Limits**: a `timeout` ends a job, even in a synchronous loop. The options
 *   `hardKill`, `memoryLimit`, `permissions` and `isolation` make workers a
 *   sandbox, see {@linkcode ThreadPoolOptions}.
 * - **Workers** start when jobs need them, one at a time, and are replaced when they
 *   die. After ten deaths in a row, or a failed start, each new worker starts later,
 *   and new jobs are refused while no worker is alive. The pool stops if no worker has
 *   ever started, or if ten workers in a row die before they begin a job.
 * - **Threads** that cannot be stopped are bounded: there are never more than twice
 *   `size` threads. Beyond that, jobs wait.
 * - **Memory**: at most two large payloads are in flight to a worker, and two from it.
 * - **Context**: handlers and listeners do not see a caller's `AsyncLocalStorage`
 *   store. Pass values to handlers as arguments, and bind listeners with
 *   `AsyncLocalStorage.bind()`. With OpenTelemetry (`OTEL_DENO=true`), spans in a
 *   handler are children of the caller's active span.
 * - **Process**: a pool keeps its process alive only for its jobs, and for the streams
 *   and connections of these jobs. `await using` closes the pool.
 *
 * Imported from JSR, a pool needs `--allow-read` for a local `module`, and no
 * permission for inline jobs. Workers have the permissions of the program, unless you
 * set the option `permissions`.
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
 *
 * @example Test code that uses a pool, without workers
 * ```ts
 * import { ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 * import { FakeTime } from "@std/testing/time";
 *
 * async function retryLater(pool: ThreadPool): Promise<string> {
 *   return await pool.execute(async (ms: number) => {
 *     await new Promise((resolve) => setTimeout(resolve, ms));
 *     return "sent";
 *   }, [60_000]);
 * }
 *
 * using time = new FakeTime();
 * await using pool = new ThreadPool({ isolation: "none" });
 * await pool.execute(() => {}); // from now on, jobs start in the same turn
 * const sent = retryLater(pool);
 * await time.tickAsync(60_000);
 * assertEquals(await sent, "sent");
 * ```
 */
export class ThreadPool<Jobs = Record<string, InlineJob>> extends EventTarget
  implements AsyncDisposable {
  readonly #events = new Listeners(this);
  readonly #parts: PoolParts;
  readonly #maps: Maps;
  readonly #senders: Senders;
  #jobs: JobFunctions<Jobs> | undefined;

  /**
   * Creates a pool. Workers start when there are jobs for them; only the `min` workers
   * of an elastic pool start now.
   *
   * @param options The number of workers, or the options
   * @throws {TypeError} If an option is unknown, has the wrong type or excludes another option
   * @throws {RangeError} If an option is out of range
   * @throws {JobCloneError} If `workerData` cannot be cloned for every worker
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
    const { limits, concurrency, module, now, statsByName } = settings;
    const events = this.#events;
    const functions = new FunctionTable();
    const meter = new Meter(concurrency, now, statsByName);
    const settlement = new Settlement({
      meter,
      functions,
      events,
      now,
      onAbort: (job, reason) => dispatcher.abort(job, reason),
      onDrained: () => lifetime.onDrained(),
    });
    const most = mostJobs(limits.max, settings);
    const room = new Room(most, () => lifetime.onEmpty());
    const parts = {
      settings,
      functions,
      settlement,
      room,
      meter,
      events,
    };
    const dispatcher = new Dispatcher(settings, {
      ...parts,
      onBroken: (cause) => lifetime.stop(() => startError(module, cause)),
      onStarted: () => lifetime.onStarted(),
    });
    const lifetime = new Lifetime({ ...parts, dispatcher });
    const intake = new Intake({ ...parts, dispatcher, lifetime });
    this.#parts = { ...parts, dispatcher, lifetime, intake };
    this.#maps = new Maps(this.#parts);
    this.#senders = new Senders(this.#parts);
    dispatcher.scaling.startAhead();
  }

  /**
   * Runs a job on a worker.
   *
   * **Order**: jobs start in the order of the calls. Jobs with a higher
   * {@linkcode ExecuteOptions.priority} start first, and jobs with the same
   * {@linkcode ExecuteOptions.key} run one at a time.
   *
   * **Ownership**: arguments are cloned, some only when the job is sent to a worker,
   * so do not change them until the promise settles. A `Deno.Conn`, `Request`,
   * `Response`, `ReadableStream` or `WritableStream` moves by itself, and
   * {@linkcode transfer} moves buffers and ports. Moved values belong to the job from
   * this call on and end with it: connections close, unread streams are canceled, and
   * writable streams close, or abort if the job does not complete. A refused call
   * moves nothing.
   *
   * **Results**: the same values, except connections, can move in a result. If a
   * result holds a stream, the promise settles when the handler returns, and the
   * values that moved into the job end with the stream. After the promise has settled,
   * `signal` and `timeout` have no effect on the stream: cancel the stream to end it.
   *
   * `URL`, `URLSearchParams`, `Headers`, `FormData`, `ImageData` and, as an argument,
   * `AbortSignal` keep their type. Values that would become empty objects are refused.
   *
   * **On abort**: the promise rejects at once with the signal's reason. A job that has
   * not started does not start, unless it is already on its way to a process. In a
   * running job, `currentJob().signal` fires. Reads from its connections reject with
   * `Deno.errors.Interrupted`, and reads from its streams and bodies with the reason;
   * it can still write 1 MiB. If the handler has not ended after `abortGrace`, its
   * worker is stopped and replaced, or left alone if it computes, see
   * {@linkcode ThreadPoolOptions.hardKill}. If it is stopped, other jobs in progress
   * on it reject with {@linkcode WorkerCrashedError}. For a timeout, see
   * {@linkcode ExecuteOptions.timeout}.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @param job The name of a function of the pool's module, or a self-contained function, which is sent as source code
   * @param args The handler's arguments, as an array; optional if the handler needs none
   * @param options Options of this job
   * @returns The handler's result, awaited
   * @throws Any error of the handler: built-in classes keep their class, other classes their name and properties
   * @throws {TypeError} If the job, its arguments or its options have the wrong type
   * @throws {RangeError} If an option is out of range
   * @throws {JobNotFoundError} If the module exports no such function, or the pool has no module
   * @throws {JobCloneError} If an argument or the result can be neither cloned nor moved
   * @throws {JobTimeoutError} If the job runs longer than its timeout
   * @throws {QueueFullError} If the queue is full and refuses the job, see {@linkcode QueueOptions.whenFull}
   * @throws {JobDiscardedError} If the full queue discards the job for a newer job
   * @throws {PoolClosedError} If the pool was closed before the call
   * @throws {PoolTerminatedError} If the pool is terminated
   * @throws {WorkerCrashedError} If the job's worker dies, or if workers have died in a row
   * @throws {MemoryLimitError} If the job's worker runs out of memory
   * @throws {WorkerStartError} If the pool's workers cannot start, for example because the module cannot be imported
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
   *
   * @example Wrap `execute()` and keep its types
   * ```ts
   * import { type JobName, ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * const source = "export const add = (a, b) => a + b;";
   * type Jobs = { add(a: number, b: number): number };
   * await using pool = new ThreadPool<Jobs>({
   *   module: `data:text/javascript,${encodeURIComponent(source)}`,
   * });
   * function logged<Name extends JobName<Jobs>>(
   *   ...call: Parameters<typeof pool.execute<Name>>
   * ) {
   *   console.log(...call);
   *   return pool.execute<Name>(...call);
   * }
   * assertEquals(await logged("add", [1, 2]), 3);
   * ```
   *
   * @example Jobs with the same key run in order, regardless of their priority
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(2);
   * const order: string[] = [];
   * const save = (text: string) => text;
   * const run = (text: string, options: { key?: string; priority?: number }) =>
   *   pool.execute(save, [text], options).then((text) => order.push(text));
   * const first = run("first", { key: "account 1" });
   * const second = run("second", { key: "account 1", priority: 1 });
   * await Promise.all([first, second]);
   * assertEquals(order, ["first", "second"]);
   * ```
   */
  execute<Job extends JobName<Jobs> | InlineJob>(
    job: Job & NoGenerator<Job>,
    ...args: [] extends JobArguments<Jobs, Job>
      ? [args?: JobArguments<Jobs, Job>, options?: ExecuteOptions]
      : [args: JobArguments<Jobs, Job>, options?: ExecuteOptions]
  ): Promise<JobResult<Jobs, Job>>;
  // With `never`, TypeScript does not name this signature in its messages.
  execute(
    job: never,
    args: readonly unknown[] = NO_ARGUMENTS,
    options?: ExecuteOptions,
  ): Promise<unknown> {
    try {
      return this.#parts.intake.accept(job, args, options).promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The jobs of the module as functions: `pool.jobs.fib(30)` is
   * `pool.execute("fib", [30])`. Editors show the handler's documentation, go to its
   * definition and rename it. Use `execute()` to pass options, or for a job named
   * `then`.
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * const source = `export const add = (a, b) => a + b;`;
   * interface Jobs {
   *   add(a: number, b: number): number;
   * }
   * await using pool = new ThreadPool<Jobs>({
   *   module: `data:text/javascript,${encodeURIComponent(source)}`,
   * });
   * assertEquals(await pool.jobs.add(1, 2), 3);
   * ```
   */
  get jobs(): JobFunctions<Jobs> {
    return this.#jobs ??= jobFunctions((name, args) =>
      this.execute(name as never, args as never)
    ) as JobFunctions<Jobs>;
  }

  /**
   * Waits until `min` workers are ready for their first job. If `size` is a number,
   * starts all workers and waits for them. Resolves at once if they are ready now.
   *
   * Calling it is optional: an elastic pool starts `min` workers by itself, and
   * workers of a fixed size start with the first jobs.
   *
   * **On abort**: rejects with the signal's reason, at once if the signal has already
   * aborted. The workers start anyway.
   *
   * @param options Signal that ends the wait
   * @throws {TypeError} If the options are wrong
   * @throws {WorkerStartError} If the pool's workers cannot start
   * @throws {PoolClosedError} If the pool is closed, before or while waiting
   * @throws {PoolTerminatedError} If the pool is terminated, before or while waiting
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool({ size: { min: 1, max: 4 } });
   * await pool.start();
   * assertEquals(pool.stats().idle, 1);
   * ```
   */
  start(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => this.#parts.lifetime.started(signal));
  }

  /**
   * Changes the number of workers, see {@linkcode ThreadPoolOptions.size}.
   *
   * A larger pool starts its `min` workers at once, and more workers as jobs need
   * them. In a smaller pool, workers without a job stop first, and others when their
   * jobs have ended; waiting jobs go to the workers that stay. The same size again
   * changes nothing.
   *
   * @param size The number of workers, or their minimum and maximum
   * @throws {TypeError} If the size has the wrong type
   * @throws {RangeError} If the size is out of range
   * @throws {PoolClosedError} If the pool is closed
   * @throws {PoolTerminatedError} If the pool is terminated
   * @throws {WorkerStartError} If the pool's workers could not start
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * pool.resize(2);
   * await pool.start();
   * assertEquals(pool.stats().size, 2);
   * pool.resize({ min: 0, max: 1 });
   * assertEquals(pool.stats().size, 1);
   * ```
   */
  resize(size: number | PoolSize): void {
    const limits = resizeSettings(size);
    const { settings, dispatcher, room, lifetime } = this.#parts;
    lifetime.throwIfRefusing();
    dispatcher.scaling.resize(limits);
    room.resize(mostJobs(limits.max, settings));
    lifetime.resized();
  }

  /**
   * Runs a generator on a worker, and returns the values that it yields.
   *
   * - **Start**: the job starts when you ask for the first value. Until then, the
   *   stream uses no resources. Arguments are cloned or moved only then, and the first
   *   read throws any error in them.
   * - **Order**: values arrive in the order in which they are yielded. An error, even
   *   the end of the worker, comes after all values yielded before it. The generator's
   *   return value is dropped, as in any loop.
   * - **Backpressure**: the generator runs at most `window` values ahead of the
   *   reader, and at most 1 MiB, or 2 MiB of bytes. Then it pauses.
   * - **Latency**: small values travel together, but no value waits for long. A value
   *   leaves at once, unless other values left within about the last millisecond. Then
   *   it leaves with a later value, or when the generator waits for something.
   * - **Ownership**: values are copied when they are yielded, so the generator can
   *   change and reuse them. Values marked with `transfer` move, which avoids copying
   *   large buffers.
   * - **Limits**: the stream is one job. It occupies its worker, or one of its
   *   `concurrency` places, until the generator ends. Its timeout counts from its
   *   start to its end, including the time that the reader takes. So read the stream
   *   to its end, or leave it with `break`, `return()` or `await using`. `close()`
   *   waits for it.
   *
   * `ReadableStream.from(stream)` converts it to a `ReadableStream`.
   *
   * **On abort**, and when you leave the loop: `currentJob().signal` fires, the
   * generator gets `return()` at its current `yield`, so its `finally` runs, and then
   * the worker is free. The stream's `return()` waits for this. If the generator has
   * not ended after `abortGrace`, its worker is stopped and replaced. After an abort,
   * the loop throws the signal's reason at once, and unread values are dropped. A
   * stream that you leave counts as an aborted job.
   *
   * @typeParam Job The name of a generator of the module, or the type of an inline generator
   * @param job The name of a generator of the pool's module, or a self-contained generator
   * @param args The generator's arguments, as an array; optional if the generator needs none
   * @param options Options of this job
   * @returns The values that the generator yields; reading them throws the errors that `execute()` rejects with
   * @throws {TypeError} If the job, its arguments or its options have the wrong type
   * @throws {RangeError} If an option is out of range
   * @throws {JobNotFoundError} If the pool has no module
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * const squares = pool.stream(function* (count: number) {
   *   for (let i = 0; i < count; i++) yield i * i;
   * }, [1_000_000]);
   * const found: number[] = [];
   * for await (const square of squares) {
   *   if (square > 100) break; // ends the generator in the worker
   *   if (square % 2 === 0) found.push(square);
   * }
   * assertEquals(found, [0, 4, 16, 36, 64, 100]);
   * ```
   */
  stream<Job extends StreamName<Jobs> | InlineGenerator>(
    job: Job,
    ...args: [] extends JobArguments<Jobs, Job>
      ? [args?: JobArguments<Jobs, Job>, options?: StreamOptions]
      : [args: JobArguments<Jobs, Job>, options?: StreamOptions]
  ): JobStream<StreamValue<Jobs, Job>>;
  stream(
    job: never,
    args: readonly unknown[] = NO_ARGUMENTS,
    options?: StreamOptions,
  ): JobStream<unknown> {
    return openStream(this.#parts, job, args, options);
  }

  /**
   * Waits until the queue has room. Resolves at once if it has room now.
   *
   * Callers are released one at a time, in order. No room is reserved: if you await
   * something else before `execute()`, the queue may be full again. If you do not
   * await `ready()`, the queue is unbounded, unless {@linkcode QueueOptions.whenFull}
   * limits it.
   *
   * **On abort**: rejects with the signal's reason, at once if the signal has already
   * aborted. The caller loses its place in line.
   *
   * @param options Signal that ends the wait
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
      this.#parts.lifetime.throwIfRefusing();
      return this.#parts.room.wait(signal);
    });
  }

  /**
   * Runs a job for each of many items, and pulls the items as you read the results.
   *
   * - **Items**: each item is the job's only argument, and is cloned or moves as in
   *   {@linkcode ThreadPool.execute}. Items come from an iterable, whose promises are
   *   awaited, an async iterable or a stream. Nothing is pulled before you ask for the
   *   first result, and never more than `window` items ahead of your loop, so the
   *   source can be endless.
   * - **Order**: results come in the order of their items, unless `ordered` is
   *   `false`.
   * - **Small items** share a job, so you do not need to batch them, even if an item
   *   takes a microsecond. How many items share a job depends on how long they take.
   *   Items of a slow source do not wait for each other, and each item has its own
   *   result or error. Items that share a job share its `currentJob()`, and all
   *   reject if one of them crashes their worker. They count as one job in `stats()`,
   *   events and the queue's capacity, and as a failed job if an item failed. With a
   *   `timeout`, `memoryLimit`, `maxJobsPerWorker` or `callerStack`, or
   *   `isolation: "none"`, each item has its own job.
   * - **Errors**: the first error ends the loop at its place, see
   *   {@linkcode MapOptions.onError}. So does an error of the source, or the end of
   *   the pool.
   * - **Backpressure**: the map waits for room in the queue like `ready()`, so it
   *   never finds the queue full.
   *
   * **On abort**, and when you leave the loop: the map stops pulling items and ends
   * the source (`return()` of an iterator, `cancel()` of a stream). Running and
   * waiting jobs are aborted. If a generator is waiting for something, its `finally`
   * runs after that, and the map does not wait for it. Pulled items that have not
   * started are dropped, and values that move with them end, as when a job is aborted.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @typeParam Mode What happens to errors
   * @param job The name of a function of the pool's module, or a self-contained function
   * @param items The items, from an iterable, an async iterable or a stream
   * @param options Options of the map
   * @returns The results, which can be read once
   * @throws {TypeError} If the job, the items or the options have the wrong type
   * @throws {RangeError} If an option is out of range
   * @throws {JobNotFoundError} If the pool has no module
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(2);
   * const lines = ['{"price":1}', '{"price":2}'];
   * let sum = 0;
   * for await (const price of pool.map((line: string) => JSON.parse(line).price, lines)) {
   *   sum += price;
   * }
   * assertEquals(sum, 3);
   * ```
   *
   * @example Continue after errors
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(2);
   * const parse = (text: string): unknown => JSON.parse(text);
   * const texts = ["1", "oops", "3"];
   * const results = await Array.fromAsync(pool.map(parse, texts, { onError: "collect" }));
   * assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
   * ```
   */
  map<Job extends JobName<Jobs> | InlineJob, Mode extends OnError = "throw">(
    job: Job & NoGenerator<Job>,
    items: ItemSource<JobItem<Jobs, Job>>,
    options?: MapOptions<Mode>,
  ): AsyncIterableIterator<MapResult<JobResult<Jobs, Job>, Mode>>;
  map(
    job: never,
    items: unknown,
    options?: MapOptions,
  ): AsyncIterableIterator<unknown> {
    return this.#maps.map(job, items, options);
  }

  /**
   * Does the same as {@linkcode ThreadPool.map}, as a pair of streams for
   * `pipeThrough()`: you write items to one stream and read results from the other.
   *
   * A slow reader pauses the jobs, and then the writer. If a job fails, both streams
   * fail after the results before the error, unless {@linkcode MapOptions.onError}
   * says otherwise. Closing the writable side ends the readable side after the last
   * result. No job runs until you read.
   *
   * **On abort**, when the writable side is aborted, and when the readable side is
   * canceled: both streams end with the reason, and all jobs of the map are aborted.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @typeParam Mode What happens to errors
   * @param job The name of a function of the pool's module, or a self-contained function
   * @param options Options of the map
   * @returns The pair of streams
   * @throws {TypeError} If the job or the options have the wrong type
   * @throws {RangeError} If an option is out of range
   * @throws {JobNotFoundError} If the pool has no module
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(2);
   * const double = (n: number) => 2 * n;
   * const results = ReadableStream.from([1, 2, 3]).pipeThrough(pool.transform(double));
   * assertEquals(await Array.fromAsync(results), [2, 4, 6]);
   * ```
   */
  transform<
    Job extends JobName<Jobs> | InlineJob,
    Mode extends OnError = "throw",
  >(
    job: Job & NoGenerator<Job> & NoSecondArgument<Jobs, Job>,
    options?: MapOptions<Mode>,
  ): ReadableWritablePair<
    MapResult<JobResult<Jobs, Job>, Mode>,
    JobItem<Jobs, Job>
  >;
  transform(job: never, options?: MapOptions): ReadableWritablePair {
    return this.#maps.transform(job, options);
  }

  /**
   * Returns a handle to this pool that moves by itself into a job of any pool,
   * including this one. There it submits jobs to this pool. `close()` waits until all
   * senders are closed, see {@linkcode Sender}.
   *
   * @returns A new sender; close it when it has no more jobs to submit
   * @throws {PoolClosedError} If the pool is closed
   * @throws {PoolTerminatedError} If the pool is terminated
   * @throws {WorkerStartError} If the pool's workers could not start
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
    this.#parts.lifetime.throwIfRefusing();
    return this.#senders.open() as unknown as Sender<Jobs>;
  }

  /**
   * Waits until no job is queued or running and no stream of a result is open.
   * Resolves at once if that is the case now.
   *
   * By then, every job's promise has settled. Code that you chained to these promises
   * may run later: await it yourself if you need it. An aborted job counts as ended,
   * even while its handler is still running.
   *
   * **On abort**: rejects with the signal's reason, at once if the signal has already
   * aborted. The jobs continue.
   *
   * @param options Signal that ends the wait
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
    return waitFor(options, (signal) => this.#parts.lifetime.drained(signal));
  }

  /**
   * Refuses new jobs, finishes the accepted jobs and the streams of their results, and
   * then stops the workers, which first run their `onStop()` callbacks. Resolves when
   * all of this is done, however long the jobs take.
   *
   * You can call it again to wait again. Calling `terminate()` ends the wait early.
   *
   * **On abort**: rejects with the signal's reason, at once if the signal has already
   * aborted. This ends only the wait: the pool is closed anyway, and its jobs
   * continue. To stop the jobs, call {@linkcode ThreadPool.terminate}.
   *
   * @param options Signal that ends the wait
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
   * const signal = AbortSignal.timeout(5); // 5_000 in a real program
   * await pool.close({ signal }).catch((reason) => pool.terminate(reason));
   * await rejected;
   * ```
   */
  close(options?: WaitOptions): Promise<void> {
    return waitFor(options, (signal) => {
      this.#parts.lifetime.close();
      return this.#parts.lifetime.ended(signal);
    });
  }

  /**
   * Stops the workers now and rejects every job that has not ended with
   * {@linkcode PoolTerminatedError}. Resolves when the pool has ended: at once, or, if
   * the workers are processes, when the processes have exited.
   *
   * You can call it again to wait again; the first reason counts.
   *
   * **On abort**: rejects with the signal's reason, at once if the signal has already
   * aborted. This ends only the wait: the pool is terminated anyway.
   *
   * @param reason The `cause` of the jobs' errors
   * @param options Signal that ends the wait
   * @throws {TypeError} If the options are wrong; the pool continues
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
      this.#parts.lifetime.terminate(reason);
      return this.#parts.lifetime.ended(signal);
    });
  }

  /**
   * Closes the pool like {@linkcode ThreadPool.close}, for `await using`.
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
   * Returns what the pool is doing now and what it has done since its start or, with
   * `since`, since an earlier snapshot. There is nothing to reset, so each of several
   * readers can have its own window. A call takes some microseconds.
   *
   * @param options The earlier snapshot, and the bounds of the buckets
   * @returns A snapshot
   * @throws {TypeError} If the options are wrong, or `since` is not a snapshot of this pool
   * @throws {RangeError} If `buckets` are not finite, above 0 and in ascending order
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
   *
   * @example Count jobs since the last snapshot
   * ```ts
   * import { type PoolStats, ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * let last: PoolStats | undefined;
   * function look(): string {
   *   last = pool.stats({ since: last });
   *   return `${last.completed} done, ${last.queued} waiting`;
   * }
   * await pool.execute(() => 1);
   * assertEquals(look(), "1 done, 0 waiting");
   * assertEquals(look(), "0 done, 0 waiting");
   * ```
   *
   * @example Statistics for each job name, with a histogram of run times
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool({ size: 1, statsByName: true });
   * await pool.execute(function answer() {
   *   return 42;
   * });
   * const [{ name, completed, runTime }] = pool.stats({ buckets: [10, 60_000] }).byName!;
   * assertEquals([name, completed, runTime.buckets![1]], ["answer", 1, 1]);
   * ```
   */
  stats(options?: StatsOptions): PoolStats {
    const checked = options === undefined ? {} : statsSettings(options);
    const { meter, dispatcher } = this.#parts;
    return meter.read(dispatcher.snapshot(), checked);
  }

  /**
   * Returns what each worker is doing now: its state, and its running jobs with their
   * names and run times. This costs the jobs nothing. So you can find out what keeps a
   * pool busy, once or sampled over time, at any load.
   *
   * @returns The workers, in the order of their ids
   *
   * @example
   * ```ts
   * import { ThreadPool } from "@spindle/thread-pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new ThreadPool(1);
   * await pool.execute(() => 1);
   * assertEquals(pool.workers(), [{ workerId: 1, state: "idle", jobs: [] }]);
   * ```
   */
  workers(): WorkerActivity[] {
    return this.#parts.dispatcher.activities();
  }

  /**
   * Listens to one of the pool's events. An event without a listener costs nothing,
   * and listeners do not change how jobs are sent. An error in a listener harms no
   * job, but is an uncaught error: it ends the program unless a global `error`
   * listener handles it.
   *
   * @typeParam Type The type of the event
   * @param type The type of the event, see {@linkcode ThreadPoolEventMap}
   * @param listener Callback for the event
   * @param options Same as for `EventTarget`
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
    this.#events.add(type);
    super.addEventListener(type, listener as EventListener, options);
  }

  /**
   * Stops listening to one of the pool's events.
   *
   * @typeParam Type The type of the event
   * @param type The type of the event
   * @param listener The listener that was passed to `addEventListener`
   * @param options Same as for `EventTarget`
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

/** Checks the options of a method that waits. Turns errors into rejections. */
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

/** Returns the maximum number of jobs in progress and in the queue together. */
function mostJobs(
  size: number,
  { capacity, concurrency }: PoolSettings,
): number {
  return size * concurrency + capacity;
}
