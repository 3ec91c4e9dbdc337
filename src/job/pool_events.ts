// The events of a pool. Only events with listeners are dispatched.

/** The events of a {@linkcode ThreadPool}, by type. */
export interface ThreadPoolEventMap {
  /** A worker is ready for its first job. */
  workerstart: CustomEvent<{
    /** Number of the worker in its pool, from 1. */
    workerId: number;
  }>;
  /** A worker that was ready has stopped. */
  workerstop: CustomEvent<{
    /** Number of the worker in its pool, from 1. */
    workerId: number;
  }>;
  /**
   * One of these happened: a worker died; a worker could not be stopped, and its
   * thread continues; a callback of `onStop()` threw, or took longer than
   * `stopGrace`; or a job posted its own message, which was dropped.
   */
  workererror: CustomEvent<{
    /** Number of the worker in its pool, from 1. */
    workerId: number;
    /** What happened. */
    error: unknown;
  }>;
  /**
   * A job has started. The pool dispatches this when it is notified, at the latest
   * right before the job's end. For small jobs, that is many events at once.
   */
  jobstart: CustomEvent<{
    /** Number of the job in its pool, from 1. */
    jobId: number;
    /** Name of the job. For an inline job, the name of its function, or `"inline"`. */
    name: string;
    /** Worker that has the job; 0 if the queue was full and the caller runs the job. */
    workerId: number;
  }>;
  /** A job's promise has settled. */
  jobend: CustomEvent<{
    /** Number of the job in its pool, from 1. */
    jobId: number;
    /** Name of the job, as in `jobstart`. */
    name: string;
    /** Whether the promise was resolved; otherwise it was rejected. */
    ok: boolean;
    /** Error with which the promise was rejected. */
    error?: unknown;
    /** Worker that ran the job; `undefined` if the job never started. */
    workerId: number | undefined;
    /** Time in ms from `execute()` to the start of the handler, or to the end if it never started. */
    waitTime: number;
    /** Time in ms from the start of the handler to its end, abort or timeout; 0 if it never started. */
    runTime: number;
  }>;
  /** No job is queued or running any more, and no stream of a result is open. */
  drain: CustomEvent<undefined>;
}

/**
 * Dispatches events. Listeners run in a separate microtask, never inside the code
 * that dispatches, because they can call the pool.
 */
export interface PoolEvents {
  /** Returns whether there may be listeners. */
  hasListener(type: keyof ThreadPoolEventMap): boolean;
  /** Dispatches an event if there may be listeners. */
  emit<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    detail: ThreadPoolEventMap[Type]["detail"],
  ): void;
}
