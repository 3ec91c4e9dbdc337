// The pool: the public contract, and which parts stand behind it.

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
 * - **Order**: jobs start in the order in which they were submitted, unless they have a
 *   `priority` or a `key`, see {@linkcode ExecuteOptions}.
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
 *   when they die. After ten deaths in a row, or a start that fails, the next worker
 *   starts later each time, and new jobs are refused while none is alive. If no worker
 *   has ever started, or ten in a row die before they have begun a job, the pool stops.
 * - **Threads** that cannot be stopped are bounded: there are never more than twice
 *   `size`. Beyond that, jobs wait.
 * - **Memory**: at most two large payloads are on their way to a worker, and two
 *   from it.
 * - **Context**: handlers and listeners see no `AsyncLocalStorage` store of a
 *   caller's: pass a handler what it needs, and bind a listener with
 *   `AsyncLocalStorage.bind()`. Where OpenTelemetry is on (`OTEL_DENO=true`), what a
 *   handler traces is a child of the caller's active span.
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
 *
 * @example A test of code that uses a pool, without workers
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
 * await pool.execute(() => {}); // from here on jobs start within the turn
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
   * Creates a pool. No worker starts before there is a job for it, but for the `min`
   * of an elastic pool.
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
   * **Order**: jobs start in the order of these calls. Those of a higher
   * {@linkcode ExecuteOptions.priority} start first; those of one
   * {@linkcode ExecuteOptions.key} run one after the other.
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
   * into the job ends with the stream. From then on, `signal` and `timeout` have no
   * effect on the stream: cancel it to end it.
   *
   * `URL`, `URLSearchParams`, `Headers`, `FormData`, `ImageData` and, as an argument,
   * `AbortSignal` arrive as what they are. What would arrive as an empty object is
   * refused.
   *
   * **On abort**: the promise rejects at once with the signal's reason. A job that
   * has not started never will. In a running job `currentJob().signal` fires, reads
   * from its connections reject with `Deno.errors.Interrupted`, those of its streams
   * and bodies with the reason, and a MiB can still be written. If the handler has not
   * ended after `abortGrace`, its worker is stopped and replaced, and the other jobs in
   * progress on that worker reject with {@linkcode WorkerCrashedError}. A timeout ends a
   * job in the same way.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @param job The name of a function of the pool's module, or a self-contained function, which is sent as its source
   * @param args The handler's arguments, as an array; optional if it needs none
   * @param options How to run this job
   * @returns What the handler returns, awaited
   * @throws What the handler throws: built-in classes keep their class, others their name and properties
   * @throws {TypeError} If the job, its arguments or its options have the wrong type
   * @throws {RangeError} If an option is out of range
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
   *
   * @example A function of your own that passes any call on, with its types
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
   * @example Jobs of one key take turns, urgent jobs go first
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
  // With `never` TypeScript does not name this one in its messages.
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
   * `pool.execute("fib", [30])`. An editor shows the documentation of the handler
   * there, goes to its definition, and renames it. Use `execute()` for what needs
   * options, and for a job that is named `then`.
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
   * Waits until `min` workers are ready for their first job; where `size` is a number,
   * until all are, which start for that. Resolves at once if they are ready now.
   *
   * You need not call it: an elastic pool starts `min` workers by itself, and workers
   * of a fixed size start with the first jobs.
   *
   * **On abort**: rejects with the signal's reason, at once if it has already
   * aborted. The workers start all the same.
   *
   * @param options How long to wait
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
   * A larger pool grows at once as jobs need it, and to its `min` in any case. Of a
   * smaller one, workers without a job stop, and others when they have ended theirs;
   * jobs that wait go to those that stay. The same size again changes nothing.
   *
   * @param size The number of workers, or the fewest and the most
   * @throws {TypeError} If it has the wrong type
   * @throws {RangeError} If it is out of range
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
   * Runs a generator on a worker, and gives what it yields, as far as you read.
   *
   * - **Start**: the job starts when the first value is asked for. Until then the
   *   stream holds nothing; arguments are taken then, and what is wrong with them is
   *   said then.
   * - **Order**: values come in the order in which they are yielded. An error comes
   *   at its place, after all values before it; so does the end of the worker.
   *   What the generator returns is dropped, as in any loop.
   * - **Backpressure**: the generator is at most `window` values ahead of the reader,
   *   and 1 MiB of them, or 2 MiB of bytes. Then it is not asked for the next value.
   * - **Latency**: small values travel together, but none waits for long: a value
   *   leaves at once, when the generator waits for something, or, of those that
   *   follow each other within about a millisecond, with the next one.
   * - **Ownership**: values are copied when they are yielded, so the generator may
   *   change and use them again. What is marked with `transfer` moves, which spares
   *   large buffers the copy.
   * - **Limits**: the stream is one job. It occupies its worker, or one of its
   *   `concurrency`, until the generator ends, and its timeout runs from its start to
   *   its end, the reader's time included. So read it to its end, or leave it: with
   *   `break`, `return()` or `await using`. `close()` waits for it.
   *
   * `ReadableStream.from(stream)` makes it a stream.
   *
   * **On abort**, and when you leave the loop: `currentJob().signal` fires, the
   * generator gets `return()` where it stands, so that its `finally` runs, and then
   * the worker is free. A `return()` of the stream waits for that. If the generator
   * has not ended after `abortGrace`, its worker is stopped and replaced. After an
   * abort the loop throws the signal's reason at once; values that were not read are
   * dropped. A stream that was left counts as an aborted job.
   *
   * @typeParam Job The name of a generator of the module, or the type of an inline generator
   * @param job The name of a generator of the pool's module, or a self-contained generator
   * @param args Its arguments, as an array; optional if it needs none
   * @param options How to run this job
   * @returns What the generator yields. Reading it throws what `execute()` rejects with
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
      this.#parts.lifetime.throwIfRefusing();
      return this.#parts.room.wait(signal);
    });
  }

  /**
   * Runs a job for each of many items, which are pulled as the results are read.
   *
   * - **Items**: each is the job's only argument, and goes to the worker as an
   *   argument of {@linkcode ThreadPool.execute} does. They come from an iterable of
   *   either kind, whose promises are awaited, or from a stream. Nothing is pulled
   *   before the first result is asked for, and never more than the window ahead of
   *   your loop, so the source may be endless.
   * - **Order**: results come in the order of their items, unless `ordered` is
   *   `false`.
   * - **Small items** share a job, so you need no batches: an item that takes a
   *   microsecond is no waste. What is shared adapts to how long items take, no item
   *   of a slow source waits for another, and each still has its own result or
   *   error. Items that share a job share its `currentJob()`, count as one job in
   *   `stats()`, events and the queue's capacity (one that has failed, if an item
   *   has), and are lost together if they crash their worker. With a `timeout`,
   *   `memoryLimit`, `maxJobsPerWorker` or `callerStack`, each has a job of its own.
   * - **Errors**: the first one ends the loop at its place, see
   *   {@linkcode MapOptions.onError}. So does an error of the source, or the end of
   *   the pool.
   * - **Backpressure**: the map waits for room in the queue as `ready()` does, so it
   *   never finds the queue full.
   *
   * **On abort**, and when you leave the loop: nothing more is pulled, the source is
   * told so (`return()` of an iterator, `cancel()` of a stream), and what runs or
   * waits is aborted. If a generator is just waiting for something, its `finally`
   * runs when that has come, and nobody waits for it. Items that were pulled and
   * have not started are dropped, and what moves with them ends, as when a job is
   * aborted.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @typeParam Mode What becomes of errors
   * @param job The name of a function of the pool's module, or a self-contained function
   * @param items What to run it for
   * @param options How to go on
   * @returns The results, to be read once
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
   * @example Go on after errors
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
   * The same as {@linkcode ThreadPool.map}, as a pair of streams for
   * `pipeThrough()`: what is written are the items, what can be read the results.
   *
   * A slow reader stops the jobs, and these the writer. An error of a job makes both
   * streams fail, after the results before it, unless
   * {@linkcode MapOptions.onError} says otherwise. Closing the writable side ends the
   * readable one after the last result. Nothing runs before somebody reads.
   *
   * **On abort**, when the writable side is aborted, and when the readable side is
   * canceled: both end with the reason, and what runs or waits is aborted.
   *
   * @typeParam Job The name of a function of the module, or the type of an inline function
   * @typeParam Mode What becomes of errors
   * @param job The name of a function of the pool's module, or a self-contained function
   * @param options How to go on
   * @returns The two streams
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
   * Gives a handle to this pool, which moves by itself into a job of any pool, also
   * of this one: there it gives jobs to this pool. `close()` waits for all senders
   * to be closed, see {@linkcode Sender}.
   *
   * @returns A sender of its own; close it when no job follows
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
    return waitFor(options, (signal) => this.#parts.lifetime.drained(signal));
  }

  /**
   * Refuses new jobs, finishes the accepted ones, with the streams of their results,
   * and then stops the workers, which first run what `onStop()` was given. Resolves
   * when that is done, however long the jobs take.
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
      this.#parts.lifetime.close();
      return this.#parts.lifetime.ended(signal);
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
      this.#parts.lifetime.terminate(reason);
      return this.#parts.lifetime.ended(signal);
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
   * Returns what the pool is doing now and what it has done: since its start, or,
   * with `since`, since an earlier snapshot. There is nothing to reset, so any number
   * of readers have a window each. A call takes some microseconds.
   *
   * @param options Since when, and what else to tell
   * @returns A snapshot
   * @throws {TypeError} If the options are wrong, or `since` is no snapshot of this pool
   * @throws {RangeError} If `buckets` are not above 0 and in ascending order
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
   * @example What has happened since the last look
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
   * @example The jobs of each name, and how many took how long
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
   * Returns what each worker is doing now: its state, and the jobs that it runs with
   * their names and for how long. It costs no job anything, so it answers what keeps
   * a pool busy, now or sampled over time, at any load.
   *
   * @returns The workers, by their numbers
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
   * and no listener changes how jobs are sent. What a listener throws harms no job, but
   * is an uncaught error: it ends the program unless somebody handles the global
   * `error` event.
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
    this.#events.add(type);
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

/** Each worker can have as many jobs as may be in progress, the queue its capacity beside. */
function mostJobs(
  size: number,
  { capacity, concurrency }: PoolSettings,
): number {
  return size * concurrency + capacity;
}
