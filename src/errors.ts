// The errors that callers can catch, one class for each.

/**
 * Base class of all errors of the pool itself.
 *
 * An error that a handler throws is not a `ThreadPoolError`: the job rejects with
 * the error that the handler threw.
 *
 * @example Tell the pool's errors from a job's
 * ```ts
 * import { ThreadPool, ThreadPoolError } from "@spindle/thread-pool";
 * import { assert } from "@std/assert";
 *
 * const pool = new ThreadPool(1);
 * await pool.close();
 * await pool.execute(() => 1).catch((error) => {
 *   assert(error instanceof ThreadPoolError);
 * });
 * ```
 */
export class ThreadPoolError extends Error {
  /** The name of the class. */
  override name = "ThreadPoolError";
}

/**
 * The job was refused because the queue is full and no waiting job made room.
 *
 * @example Try again later
 * ```ts
 * import { QueueFullError, ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const queue = { capacity: 0, whenFull: "reject" } as const;
 * await using pool = new ThreadPool({ size: 1, queue });
 * const job = (text: string) => text.toUpperCase();
 * const first = pool.execute(job, ["a"]);
 * const { args } = await assertRejects(
 *   () => pool.execute(job, ["b"]),
 *   QueueFullError,
 * );
 * await first;
 * assertEquals(await pool.execute(job, args as [string]), "B");
 * ```
 */
export class QueueFullError extends ThreadPoolError {
  /** The name of the class. */
  override name = "QueueFullError";
  /** Name of the job. For an inline job, the name of its function, or `"inline"`. */
  readonly job: string;
  /** Arguments of the call of `execute()`. None of them has moved. */
  readonly args: readonly unknown[];

  /**
   * Creates the error.
   *
   * @param message What happened
   * @param options The job's name and arguments
   */
  constructor(
    message: string,
    options: ErrorOptions & { job: string; args: readonly unknown[] },
  ) {
    super(message, options);
    this.job = options.job;
    this.args = options.args;
  }
}

/**
 * The job waited in a full queue and was discarded to make room for a newer job.
 * Values that moved with the job are lost: connections are closed.
 *
 * @example
 * ```ts
 * import { JobDiscardedError, ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const queue = { capacity: 1, whenFull: "discard-oldest" } as const;
 * const pool = new ThreadPool({ size: 1, queue });
 * const endless = () => new Promise(() => {});
 * const results = [1, 2, 3].map(() => pool.execute(endless));
 * const error = await assertRejects(
 *   () => Promise.race(results),
 *   JobDiscardedError,
 * );
 * assertEquals(error.job, "endless");
 * await pool.terminate();
 * ```
 */
export class JobDiscardedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobDiscardedError";
  /** Name of the job. For an inline job, the name of its function, or `"inline"`. */
  readonly job: string;

  /**
   * Creates the error.
   *
   * @param message What happened
   * @param options The job's name
   */
  constructor(message: string, options: ErrorOptions & { job: string }) {
    super(message, options);
    this.job = options.job;
  }
}

/**
 * The job ran longer than its `timeout`.
 *
 * @example
 * ```ts
 * import { JobTimeoutError, ThreadPool } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new ThreadPool({ size: 1, timeout: 10 });
 * await assertRejects(() => pool.execute(() => { for (;;); }), JobTimeoutError);
 * ```
 */
export class JobTimeoutError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobTimeoutError";
}

/**
 * The call was refused because the pool or the sender is closed, or `ready()` or
 * `start()` was still waiting when the pool closed.
 *
 * @example
 * ```ts
 * import { PoolClosedError, ThreadPool } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * const pool = new ThreadPool(1);
 * await pool.close();
 * await assertRejects(() => pool.execute(() => 1), PoolClosedError);
 * ```
 */
export class PoolClosedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "PoolClosedError";
}

/**
 * The job rejected or was refused because the pool was terminated. `cause` is the
 * reason.
 *
 * @example
 * ```ts
 * import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const pool = new ThreadPool(1);
 * await pool.terminate("enough");
 * const error = await assertRejects(() => pool.ready(), PoolTerminatedError);
 * assertEquals(error.cause, "enough");
 * ```
 */
export class PoolTerminatedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "PoolTerminatedError";
}

/**
 * The pool's module exports no function with the job's name, or the pool has no module.
 *
 * @example
 * ```ts
 * import { JobNotFoundError, ThreadPool } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new ThreadPool({
 *   module: "data:text/javascript,export function add(a, b) { return a + b }",
 * });
 * await assertRejects(() => pool.execute("sum", [1, 2]), JobNotFoundError);
 * ```
 */
export class JobNotFoundError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobNotFoundError";
}

/**
 * An argument or a result can be neither cloned nor moved. Examples are a function,
 * a port or connection that has already moved, and a stream that another value of
 * the same call uses. The message says where in the value the problem is. A refused
 * call has moved nothing.
 *
 * @example
 * ```ts
 * import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new ThreadPool(1);
 * const count = (list: unknown[]) => list.length;
 * await assertRejects(
 *   () => pool.execute(count, [[1, () => {}]]),
 *   JobCloneError,
 *   "args[0][1]",
 * );
 * ```
 */
export class JobCloneError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobCloneError";
}

/**
 * The job's worker died, or was stopped because of another job. `cause` is the
 * reason, if known. While the pool's workers die one after the other, the pool also
 * refuses new jobs with this error.
 *
 * @example
 * ```ts
 * import { ThreadPool, WorkerCrashedError } from "@spindle/thread-pool";
 * import { assert, assertRejects } from "@std/assert";
 *
 * await using pool = new ThreadPool(1);
 * const error = await assertRejects(
 *   () => pool.execute(() => Deno.exit(1)),
 *   WorkerCrashedError,
 * );
 * assert(error.started);
 * ```
 */
export class WorkerCrashedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "WorkerCrashedError";
  /**
   * Whether the job had started. If not, you can safely submit it again. Values
   * that moved with the job are lost and must be created again.
   */
  readonly started: boolean;

  /**
   * Creates the error.
   *
   * @param message What happened
   * @param options The cause, and whether the job had started
   */
  constructor(message: string, options: ErrorOptions & { started: boolean }) {
    super(message, options);
    this.started = options.started;
  }
}

/**
 * The job needed more memory than its worker's limit, and the worker died.
 *
 * @example
 * ```ts
 * import { MemoryLimitError, ThreadPool } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new ThreadPool({ size: 1, memoryLimit: 32 });
 * function fill() {
 *   for (const list: unknown[] = [];;) list.push([list.length]);
 * }
 * await assertRejects(() => pool.execute(fill), MemoryLimitError);
 * ```
 */
export class MemoryLimitError extends WorkerCrashedError {
  /** The name of the class. */
  override name = "MemoryLimitError";
}

/**
 * No worker could start, usually because the pool's module cannot be imported, or
 * ten workers in a row died before they began a job. `cause` is the last reason.
 * The pool has stopped. (If other workers have started, the pool retries a failed
 * start, with growing delays.)
 *
 * @example
 * ```ts
 * import { ThreadPool, WorkerStartError } from "@spindle/thread-pool";
 * import { assertRejects } from "@std/assert";
 *
 * const module = "data:text/javascript,throw new Error('broken')";
 * await using pool = new ThreadPool({ module });
 * await assertRejects(() => pool.execute("job"), WorkerStartError, "broken");
 * ```
 */
export class WorkerStartError extends ThreadPoolError {
  /** The name of the class. */
  override name = "WorkerStartError";
}
