// The events of a pool, typed, and free of cost where nobody listens.

/** What a worker's event tells. */
export interface WorkerEventDetail {
  /** The worker's number in its pool, from 1. */
  workerId: number;
}

/** What `workererror` tells. */
export interface WorkerErrorEventDetail extends WorkerEventDetail {
  /** What happened. */
  error: unknown;
}

/** What a job's event tells. */
export interface JobEventDetail {
  /** The job's number in its pool, from 1. */
  jobId: number;
  /** The name of the job; of an inline job, the name of its function, or `"inline"`. */
  name: string;
}

/** What `jobstart` tells. */
export interface JobStartEventDetail extends JobEventDetail {
  /** The worker that has the job; 0 is the caller's own thread. */
  workerId: number;
}

/** What `jobend` tells. */
export interface JobEndEventDetail extends JobEventDetail {
  /** Whether the job's promise was resolved; otherwise it was rejected. */
  ok: boolean;
  /** What it was rejected with. */
  error?: unknown;
  /** The worker that ran it; `undefined` if it never started. */
  workerId: number | undefined;
  /** Ms from `execute()` to the start of the handler, or to the end if it never started. */
  waitTime: number;
  /** Ms from the start of the handler to its end, or to the abort or timeout; 0 if it never started. */
  runTime: number;
}

/** The events of a pool, by their type. */
export interface ThreadPoolEventMap {
  /** A worker is ready for its first job. */
  workerstart: CustomEvent<WorkerEventDetail>;
  /** A worker that was ready has ended. */
  workerstop: CustomEvent<WorkerEventDetail>;
  /**
   * A worker has died; or it could not be stopped, and its thread goes on; or a
   * job in it has posted a message of its own, which was dropped.
   */
  workererror: CustomEvent<WorkerErrorEventDetail>;
  /**
   * A job has started. It is told when the pool hears of it, at the latest right
   * before the job's end: of small jobs, many at once.
   */
  jobstart: CustomEvent<JobStartEventDetail>;
  /** A job's promise has settled. */
  jobend: CustomEvent<JobEndEventDetail>;
  /** Nothing is queued or running any more. */
  drain: CustomEvent<undefined>;
}

/** What listens to an event of a pool. */
export type PoolEventListener<Type extends keyof ThreadPoolEventMap> =
  | ((event: ThreadPoolEventMap[Type]) => void)
  | { handleEvent(event: ThreadPoolEventMap[Type]): void };

/** The types that were ever listened to, for each target. */
const listened = new WeakMap<PoolEvents, Set<string>>();

/** Whether anyone may be listening. */
export function hasListener(
  target: PoolEvents,
  type: keyof ThreadPoolEventMap,
): boolean {
  return listened.get(target)?.has(type) ?? false;
}

/** Tells of an event, if anyone may be listening. */
export function emit<Type extends keyof ThreadPoolEventMap>(
  target: PoolEvents,
  type: Type,
  detail?: ThreadPoolEventMap[Type]["detail"],
): void {
  if (!hasListener(target, type)) return;
  // A listener may call the pool, which is in the middle of something.
  queueMicrotask(() => target.dispatchEvent(new CustomEvent(type, { detail })));
}

/** An `EventTarget` with the pool's events. */
export class PoolEvents extends EventTarget {
  /**
   * Listens to one of the pool's events.
   *
   * @param type The event's type
   * @param listener What is called with it
   * @param options As of `EventTarget`
   */
  override addEventListener<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    listener: PoolEventListener<Type> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    let types = listened.get(this);
    if (types === undefined) listened.set(this, types = new Set());
    types.add(type);
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
    listener: PoolEventListener<Type> | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListener, options);
  }
}
