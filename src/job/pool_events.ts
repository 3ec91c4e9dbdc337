// The events of a pool, and how they are told: only what somebody listens to.

/** The events of a {@linkcode ThreadPool}, by their type. */
export interface ThreadPoolEventMap {
  /** A worker is ready for its first job. */
  workerstart: CustomEvent<{
    /** The worker's number in its pool, from 1. */
    workerId: number;
  }>;
  /** A worker that was ready has stopped. */
  workerstop: CustomEvent<{
    /** The worker's number in its pool, from 1. */
    workerId: number;
  }>;
  /**
   * A worker has died; or it could not be stopped, and its thread goes on; or a
   * callback of `onStop()` threw, or took longer than `stopGrace`; or a job has posted
   * a message of its own, which was dropped.
   */
  workererror: CustomEvent<{
    /** The worker's number in its pool, from 1. */
    workerId: number;
    /** What happened. */
    error: unknown;
  }>;
  /**
   * A job has started. The pool tells this when it hears of it, at the latest
   * right before the job's end: of small jobs, many at once.
   */
  jobstart: CustomEvent<{
    /** The job's number in its pool, from 1. */
    jobId: number;
    /** The job's name; of an inline job, the name of its function, or `"inline"`. */
    name: string;
    /** The worker that has the job; 0 if the queue was full and the caller runs it. */
    workerId: number;
  }>;
  /** A job's promise has settled. */
  jobend: CustomEvent<{
    /** The job's number in its pool, from 1. */
    jobId: number;
    /** The job's name, as in `jobstart`. */
    name: string;
    /** Whether the promise was resolved; otherwise it was rejected. */
    ok: boolean;
    /** What it was rejected with. */
    error?: unknown;
    /** The worker that ran the job; `undefined` if it never started. */
    workerId: number | undefined;
    /** Milliseconds from `execute()` to the start of the handler, or to the end if it never started. */
    waitTime: number;
    /** Milliseconds from the start of the handler to its end, or to the abort or timeout; 0 if it never started. */
    runTime: number;
  }>;
  /** Nothing is queued or running any more. */
  drain: CustomEvent<undefined>;
}

/**
 * Tells. Listeners run in a microtask of their own, never inside the code that
 * tells: they may call the pool.
 */
export interface PoolEvents {
  /** Whether somebody may be listening. */
  hasListener(type: keyof ThreadPoolEventMap): boolean;
  /** Tells of an event, if somebody may be listening. */
  emit<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    detail: ThreadPoolEventMap[Type]["detail"],
  ): void;
}
