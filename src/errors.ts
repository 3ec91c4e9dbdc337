// The errors that a caller may want to catch, each a class of its own.

/**
 * The class that every error of the pool itself extends.
 *
 * An error that a handler throws is not one of these: it arrives as what the
 * handler threw.
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

/** A job was refused since the queue is full, and nothing could make room in it. */
export class QueueFullError extends ThreadPoolError {
  /** The name of the class. */
  override name = "QueueFullError";
  /** The name of the job. */
  readonly job: string;
  /** The arguments that `execute()` was called with; none of them has moved. */
  readonly args: readonly unknown[];

  /**
   * Makes the error.
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

/** A job that waited in a full queue made room for a newer one. */
export class JobDiscardedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobDiscardedError";
  /** The name of the job. */
  readonly job: string;

  /**
   * Makes the error.
   *
   * @param message What happened
   * @param options The job's name
   */
  constructor(message: string, options: ErrorOptions & { job: string }) {
    super(message, options);
    this.job = options.job;
  }
}

/** A job executed for longer than its `timeout`. */
export class JobTimeoutError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobTimeoutError";
}

/** A job was refused since the pool was closed. */
export class PoolClosedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "PoolClosedError";
}

/**
 * A job was rejected, or refused, since the pool was terminated; `cause` is
 * the reason.
 */
export class PoolTerminatedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "PoolTerminatedError";
}

/** The pool's module exports no function of the job's name. */
export class JobNotFoundError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobNotFoundError";
}

/**
 * An argument or a result can be neither cloned nor moved: a function, say, a
 * port or a connection that has moved already, or a stream that something else
 * in the same call takes. The message says where in the value it sits. Nothing
 * was moved by a call that was refused with it.
 */
export class JobCloneError extends ThreadPoolError {
  /** The name of the class. */
  override name = "JobCloneError";
}

/**
 * A worker died, or had to be stopped for another job, with the job; `cause` is
 * what it died of, where known. While the workers of a pool die one after the
 * other, new jobs are refused with it as well.
 */
export class WorkerCrashedError extends ThreadPoolError {
  /** The name of the class. */
  override name = "WorkerCrashedError";
  /** Whether the job had started; if not, it can safely be given again. */
  readonly started: boolean;

  /**
   * Makes the error.
   *
   * @param message What happened
   * @param options The cause, and whether the job had started
   */
  constructor(message: string, options: ErrorOptions & { started: boolean }) {
    super(message, options);
    this.started = options.started;
  }
}

/** A job needed more memory than its worker may have, and died with it. */
export class MemoryLimitError extends WorkerCrashedError {
  /** The name of the class. */
  override name = "MemoryLimitError";
}

/**
 * A worker could not start, most often because the pool's module cannot be
 * imported; `cause` is the reason. It stops the pool.
 */
export class WorkerStartError extends ThreadPoolError {
  /** The name of the class. */
  override name = "WorkerStartError";
}
