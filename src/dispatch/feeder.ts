// Decides which worker gets which jobs, and when: how far ahead, how many in
// one message, and whether it is worth waking a worker.

import { setImmediate } from "node:timers";
import type { Job } from "../job/job.ts";
import { HeadStart } from "./head_start.ts";
import { nextFor } from "./order.ts";
import type { AllShared } from "./parts.ts";
import { takeBackAll, takeBackWaiting } from "./take_back.ts";
import { LOOK_AFTER_MS } from "./watch.ts";
import type { PoolWorker } from "./worker.ts";

/** What the feeder needs in addition to the shared parts. */
export interface FeederParts extends AllShared {
  /** Called when it is time to dispatch. */
  onTime(): void;
}

/** Minimum work in ms to take back for an idle worker. */
const WORTH_TAKING_MS = 0.2;
/** Minimum work in ms to wake an idle worker for, while another is awake. */
const WORTH_WAKING = 0.2;
/** Time in ms to send a large job, above which main pauses for other work. */
const LONG_SEND = 1;
/**
 * Factor by which a worker can have more work ahead than usual, if it had the
 * last jobs of these keys. An idle worker takes over the surplus.
 */
const HOME = 4;
/** Size in bytes at which a message gets no more jobs. */
const MAX_LIST_BYTES = 256 * 1024;

/** Sends jobs from the queue to workers. */
export class Feeder {
  readonly #parts: FeederParts;
  /** Unset on the caller's thread: clients have no head start there. */
  readonly #headStart: HeadStart | undefined;
  /** Whether sending is paused until the next turn of the event loop. */
  #isPausing = false;
  #isStopped = false;

  constructor(parts: FeederParts) {
    this.#parts = parts;
    if (!parts.settings.onCallerThread) {
      this.#headStart = new HeadStart(parts.onTime);
    }
  }

  /**
   * Whether a job that is added now is sent at once. Ignores what the workers
   * are doing, because that can change a moment later.
   */
  get sendsAtOnce(): boolean {
    const { queue, workers: { idle, active }, pace } = this.#parts;
    // With priorities, an idle worker may be kept for other jobs.
    return queue.length === 0 && idle.length > 0 && !this.#isPausing &&
      !queue.isRanked &&
      (idle.length === active.size || pace.mean >= WORTH_WAKING);
  }

  /** Whether the next job is sent at once: to an idle or the first worker. */
  get mayStartAtOnce(): boolean {
    if (this.#isPausing) return false;
    const { idle, active } = this.#parts.workers;
    return active.size === 0 || idle.length > 0 && this.#isWorthWaking();
  }

  /** Sends workers the jobs that they can accept now. */
  feedAll(): void {
    const { queue, workers } = this.#parts;
    // The worker that became idle last goes first: its code is still in the caches
    // of its core, and the others rest. With four workers, a short connection takes
    // 0.81 to 0.92 of the processor time (medians of 7 pairs, twice).
    for (const worker of workers.idle.toReversed()) {
      if (queue.length === 0 || !this.#isWorthWaking()) break;
      this.feed(worker);
    }
    if (queue.length === 0) return;
    for (const worker of this.#byLoad()) {
      if (worker.state !== "idle") this.feed(worker);
    }
  }

  /**
   * Whether to wake an idle worker. That costs more than a few small jobs,
   * which a worker that is awake finishes in the same time.
   */
  #isWorthWaking(): boolean {
    if (!this.#isAnyAwake()) return true;
    const { queue, pace, watch } = this.#parts;
    if (queue.length * pace.mean >= WORTH_WAKING) return true;
    const first = queue.peek();
    // All jobs may be waiting for their keys.
    if (first === undefined) return false;
    if (this.#parts.settings.now() - first.submitted >= LOOK_AFTER_MS) {
      return true;
    }
    watch.soon();
    return false;
  }

  #isAnyReady(): boolean {
    for (const { isReady } of this.#parts.workers.active) {
      if (isReady) return true;
    }
    return false;
  }

  #isAnyAwake(): boolean {
    for (const worker of this.#parts.workers.active) {
      const { isReady, state } = worker;
      if (isReady && state !== "idle" && !worker.isHeldUp(WORTH_WAKING)) {
        return true;
      }
    }
    return false;
  }

  /** Returns the workers; if jobs are concurrent, those with fewer jobs first. */
  #byLoad(): Iterable<PoolWorker> {
    const { settings: { concurrency }, workers } = this.#parts;
    return concurrency === 1
      ? workers.active
      : [...workers.active].sort((a, b) => a.jobs.length - b.jobs.length);
  }

  /** Sends a worker as many jobs as it can accept now. */
  feed(worker: PoolWorker): void {
    if (!this.#mayGetJobs(worker)) return;
    const { settings: { concurrency }, pace, queue, workers, watch } =
      this.#parts;
    const { isReady, jobs } = worker;
    // Each job aside requires that jobs sent ahead are taken back.
    const most = jobs.hadAside
      ? concurrency
      : Math.max(pace.ahead, concurrency);
    const ahead = isReady ? most : 1;
    // Feed a worker again when half of its jobs are done.
    if (jobs.length >= concurrency && jobs.length * 2 > ahead) return;
    let count = Math.min(
      ahead - jobs.length,
      worker.room,
      // Its share, or as many as are not worth waking another worker for.
      Math.max(
        Math.ceil(queue.length / workers.active.size),
        Math.ceil(WORTH_WAKING / pace.mean),
      ),
      queue.length,
    );
    // A message to a busy worker must bring at least as many jobs as it has.
    if (jobs.length >= concurrency && count < jobs.length) return;
    while (count > 0 && !this.#isPausing) {
      const first = this.#next(worker);
      if (first === undefined) break;
      // A job that can be sent only once must start at once.
      const startsAtOnce = isReady && jobs.length < concurrency;
      if (first.oneAttempt && !startsAtOnce) break;
      if (first.isLarge && !isReady || !worker.takes(first)) break;
      if (this.#headStart?.has(first)) break;
      count -= this.#send(worker, first, count);
    }
    if (worker.waiting > 0) watch.soon();
  }

  #mayGetJobs(worker: PoolWorker): boolean {
    if (this.#isStopped || this.#isPausing) return false;
    const { concurrency, hardKill, onCallerThread, abortGrace } =
      this.#parts.settings;
    switch (worker.state) {
      case "starting":
        // No jobs if another worker can start them sooner, or before the pool
        // knows that the thread can be killed. The caller's own thread starts
        // at once, but other jobs could overtake this one meanwhile.
        return !hardKill && !onCallerThread && !this.#isAnyReady();
      case "idle":
      case "busy":
        // If the worker is stopped for an aborted job, its other jobs are lost.
        return concurrency === 1 || abortGrace === Infinity ||
          !worker.jobs.aborting.any;
      default:
        return false;
    }
  }

  #next(worker: PoolWorker): Job | undefined {
    const { queue } = this.#parts;
    if (!queue.isOrdered) return queue.peek();
    return nextFor(worker, this.#parts, this.#sendHome);
  }

  /** Sends a job to the worker that had the last job of its key, if it accepts it. */
  readonly #sendHome = (home: PoolWorker, job: Job): boolean => {
    const { queue, pace, watch, settings: { onCallerThread } } = this.#parts;
    const { jobs, isReady, concurrency } = home;
    const ahead = onCallerThread || jobs.hadAside || home.isHeldUp(WORTH_WAKING)
      ? concurrency
      : HOME * Math.max(pace.ahead, concurrency);
    const mayHave = isReady && this.#mayGetJobs(home) && home.room > 0 &&
      jobs.length < ahead && home.takes(job) && !this.#headStart?.has(job) &&
      (!job.oneAttempt || jobs.length < concurrency);
    if (!mayHave) return false;
    queue.remove(job);
    this.post(home, [job]);
    if (home.waiting > 0) watch.soon();
    return true;
  };

  /** Sends one message, and returns its number of jobs. */
  #send(worker: PoolWorker, first: Job, most: number): number {
    const { queue } = this.#parts;
    const jobs = [first];
    queue.remove(first);
    let bytes = jobs[0].size;
    while (jobs.length < most && bytes < MAX_LIST_BYTES) {
      const next = this.#next(worker);
      if (!next?.sharesMessageWith(jobs[0]) || this.#headStart?.has(next)) {
        break;
      }
      bytes += next.size;
      queue.remove(next);
      jobs.push(next);
    }
    this.post(worker, jobs);
    return jobs.length;
  }

  /**
   * Sends jobs to a worker.
   *
   * @param isAside Whether they run alongside jobs in progress that wait for them
   */
  post(worker: PoolWorker, jobs: Job[], isAside = false): void {
    const { settings, watch, endings, workers } = this.#parts;
    try {
      if (this.#parts.queue.isOrdered) bind(jobs, worker);
      const { shortestTimeout, spent } = worker.send(jobs, isAside);
      watch.expectTimeout(shortestTimeout);
      watch.expectStall();
      const isLong = spent > LONG_SEND && jobs[0].isLarge;
      if (isLong && !settings.onCallerThread) this.#pause();
      if (endings.wantsStarts) watch.soon();
    } catch (error) {
      for (const job of jobs) endings.unsendable(worker, job, error);
    }
    workers.update(worker);
  }

  /**
   * Sends a job to a worker whose jobs wait for it, to run alongside them.
   *
   * @returns Whether the job was sent
   */
  sendAside(job: Job, worker: PoolWorker): boolean {
    const { queue, workers, settings: { abortGrace } } = this.#parts;
    // If the worker is stopped for an aborted job, its other jobs are lost.
    if (worker.jobs.aborting.any && abortGrace < Infinity) return false;
    if (worker.jobs.room === 0) return false;
    const holder = job.worker as PoolWorker | undefined;
    if (holder === undefined) {
      if (!queue.remove(job)) return false;
    } else {
      // Moved values cannot be sent again; the caller's thread runs its jobs.
      const isBound = job.oneAttempt || holder.isCaller ||
        holder.jobs.asides.has(job);
      if (isBound || !holder.takeBack(job)) return false;
    }
    // Jobs start in the order of their numbers, so none can wait before this job.
    queue.putBack(takeBackAll(worker));
    this.post(worker, [job], true);
    if (holder) workers.update(holder);
    return true;
  }

  /** Lets other work run before more jobs are sent. */
  #pause(): void {
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      if (!this.#isStopped) this.#parts.onTime();
    });
  }

  /**
   * Takes back jobs that wait in other workers, for a worker that is ready now. They
   * were submitted before the jobs in the queue, and the jobs before them may be long.
   */
  takeBackForReady(ready: PoolWorker): void {
    const { queue, workers } = this.#parts;
    const jobs: Job[] = [];
    for (const worker of workers.active) {
      if (worker === ready) continue;
      jobs.push(
        ...worker.isReady
          ? takeBackWaiting(worker, "busy")
          : takeBackAll(worker),
      );
      workers.update(worker);
    }
    queue.putBack(jobs.sort((a, b) => a.id - b.id));
  }

  /** Takes back jobs that wait in another worker, for a worker without jobs. */
  takeBackFor(idle: PoolWorker): void {
    const { queue, workers, pace, settings } = this.#parts;
    // The caller's own thread starts a job in a microtask, in any worker.
    if (settings.onCallerThread) return;
    if (queue.length > 0 || idle.jobs.length > 0) return;
    let victim: PoolWorker | undefined;
    for (const worker of workers.active) {
      if (worker.state === "held" && this.#takeFrom(worker)) return;
      if (worker.waiting > (victim?.waiting ?? 0)) victim = worker;
    }
    if (victim === undefined) return;
    const time = victim.waiting * pace.mean;
    // A few small jobs finish sooner than they could be sent again, but a start
    // can take any time.
    if (victim.isReady && time < WORTH_TAKING_MS) return;
    this.#takeFrom(victim);
  }

  #takeFrom(worker: PoolWorker): boolean {
    const jobs = takeBackWaiting(worker, "idle");
    this.#parts.queue.putBack(jobs);
    this.#parts.workers.update(worker);
    return jobs.length > 0;
  }

  /** Stops sending jobs. */
  stop(): void {
    this.#isStopped = true;
    this.#headStart?.stop();
  }
}

/** Assigns the keys of jobs to the worker that gets the jobs. */
function bind(jobs: readonly Job[], worker: PoolWorker): void {
  for (const { extras } of jobs) {
    if (extras?.turn) extras.turn.key.workerId = worker.id;
  }
}
