// Decides which worker gets which jobs, and when: how far ahead, how many in one
// message, and whether waking a worker is worth it.

import { setImmediate } from "node:timers";
import type { Job } from "../job/job.ts";
import { HeadStart } from "./head_start.ts";
import { nextFor } from "./order.ts";
import type { AllShared } from "./parts.ts";
import { takeBackAll, takeBackWaiting } from "./take_back.ts";
import { LOOK_AFTER_MS } from "./watch.ts";
import type { PoolWorker } from "./worker.ts";

/** What feeding needs beside what all share. */
export interface FeederParts extends AllShared {
  /** It is time to dispatch. */
  onTime(): void;
}

/** Milliseconds of work that are worth being taken back for a worker that idles. */
const WORTH_TAKING_MS = 0.2;
/** Milliseconds of work that are worth waking a worker for, while another is awake. */
const WORTH_WAKING = 0.2;
/** Milliseconds that a large job takes to send after which main gives others their turn. */
const LONG_SEND = 1;
/**
 * How many times the usual work a worker may have before it if it has had the last
 * jobs of these keys; for one that idles, the surplus is taken back.
 */
const HOME = 4;
/** Bytes of jobs that share a message. */
const MAX_LIST_BYTES = 256 * 1024;

/** Sends jobs from the queue to workers. */
export class Feeder {
  readonly #parts: FeederParts;
  /** Without it, clients have no head start. */
  readonly #headStart: HeadStart | undefined;
  /** Whether nothing is sent before the next turn of the event loop. */
  #isPausing = false;
  #isStopped = false;

  constructor(parts: FeederParts) {
    this.#parts = parts;
    if (!parts.settings.onCallerThread) {
      this.#headStart = new HeadStart(parts.onTime);
    }
  }

  /**
   * Whether a job that is added now leaves at once. Does not ask what the workers
   * are at, which may be something else a moment later.
   */
  get sendsAtOnce(): boolean {
    const { queue, workers: { idle, active }, pace } = this.#parts;
    // Where jobs have priorities, a worker that idles may be kept for others.
    return queue.length === 0 && idle.length > 0 && !this.#isPausing &&
      !queue.isRanked &&
      (idle.length === active.size || pace.mean >= WORTH_WAKING);
  }

  /** Whether the next job is for a worker that idles, or for none yet, and so leaves at once. */
  get mayStartAtOnce(): boolean {
    if (this.#isPausing) return false;
    const { idle, active } = this.#parts.workers;
    return active.size === 0 || idle.length > 0 && this.#isWorthWaking();
  }

  /** Sends what workers may have now. */
  feedAll(): void {
    const { queue, workers } = this.#parts;
    // First the one that became idle last: its code is still in the caches of its
    // core, and the others rest. With four workers a short connection takes 0.81 to
    // 0.92 of the processor time (medians of 7 pairs, twice).
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
   * Whether to wake a worker that idles: that costs more than a few small jobs,
   * which one that is awake will have done by then.
   */
  #isWorthWaking(): boolean {
    if (!this.#isAnyAwake()) return true;
    const { queue, pace, watch } = this.#parts;
    if (queue.length * pace.mean >= WORTH_WAKING) return true;
    const first = queue.peek();
    // All may wait for others of their keys.
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

  /** The workers, where they take several jobs at once those first that have fewer. */
  #byLoad(): Iterable<PoolWorker> {
    const { settings: { concurrency }, workers } = this.#parts;
    return concurrency === 1
      ? workers.active
      : [...workers.active].sort((a, b) => a.jobs.length - b.jobs.length);
  }

  /** Sends a worker as many jobs as it may have before it. */
  feed(worker: PoolWorker): void {
    if (!this.#mayGetJobs(worker)) return;
    const { settings: { concurrency }, pace, queue, workers, watch } =
      this.#parts;
    const { isReady, jobs } = worker;
    // What is sent ahead has to be taken back for each job aside.
    const most = jobs.hadAside
      ? concurrency
      : Math.max(pace.ahead, concurrency);
    const ahead = isReady ? most : 1;
    // A worker is fed again when half of its jobs are done.
    if (jobs.length >= concurrency && jobs.length * 2 > ahead) return;
    let count = Math.min(
      ahead - jobs.length,
      worker.room,
      // Its part, or what would not be worth waking another worker for.
      Math.max(
        Math.ceil(queue.length / workers.active.size),
        Math.ceil(WORTH_WAKING / pace.mean),
      ),
      queue.length,
    );
    // A message is worth its cost to a worker that has jobs if it brings no fewer.
    if (jobs.length >= concurrency && count < jobs.length) return;
    while (count > 0 && !this.#isPausing) {
      const first = this.#next(worker);
      if (first === undefined) break;
      // What can be sent once only waits for no other job.
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
        // Not where another one may be sooner; not before it is known that its thread
        // can be killed; and the caller's own starts at once, where a job could be
        // overtaken by others meanwhile.
        return !hardKill && !onCallerThread && !this.#isAnyReady();
      case "idle":
      case "busy":
        // It may be stopped for one of its jobs, and others with that.
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

  /** Sends a job to the worker that has had the last one of its key, if that may have it now. */
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

  /** Sends one message, and tells how many jobs it held. */
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
   * @param isAside Whether they run beside those in progress, which wait for them
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
   * Sends a job to a worker whose jobs wait for it, to run beside them.
   *
   * @returns Whether it is on its way there
   */
  sendAside(job: Job, worker: PoolWorker): boolean {
    const { queue, workers, settings: { abortGrace } } = this.#parts;
    // It may be stopped for one of its jobs, and others with that.
    if (worker.jobs.aborting.any && abortGrace < Infinity) return false;
    if (worker.jobs.room === 0) return false;
    const holder = job.worker as PoolWorker | undefined;
    if (holder === undefined) {
      if (!queue.remove(job)) return false;
    } else {
      // What has moved cannot be sent again; the caller starts what it has by itself.
      const isBound = job.oneAttempt || holder.isCaller ||
        holder.jobs.asides.has(job);
      if (isBound || !holder.takeBack(job)) return false;
    }
    // The numbers of those that start follow each other.
    queue.putBack(takeBackAll(worker));
    this.post(worker, [job], true);
    if (holder) workers.update(holder);
    return true;
  }

  /** Lets others have their turn before more is sent. */
  #pause(): void {
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      if (!this.#isStopped) this.#parts.onTime();
    });
  }

  /** Takes back what workers were sent that start still: one that is ready is sooner. */
  takeBackFromStarting(): void {
    const { queue, workers } = this.#parts;
    const starting = [...workers.active].filter(({ isReady }) => !isReady);
    queue.putBack(starting.flatMap(takeBackAll));
  }

  /** Takes back, for a worker that may have no job, what waits behind the job of another. */
  takeBackFor(idle: PoolWorker): void {
    const { queue, workers, pace, settings } = this.#parts;
    // What the caller's own thread is sent starts in a microtask, wherever it is.
    if (settings.onCallerThread) return;
    if (queue.length > 0 || idle.jobs.length > 0) return;
    let victim: PoolWorker | undefined;
    for (const worker of workers.active) {
      if (worker.state === "held" && this.#takeFrom(worker)) return;
      if (worker.waiting > (victim?.waiting ?? 0)) victim = worker;
    }
    if (victim === undefined) return;
    const time = victim.waiting * pace.mean;
    // Small jobs that are few are done sooner than they are sent again, but a
    // start may take any time.
    if (victim.isReady && time < WORTH_TAKING_MS) return;
    this.#takeFrom(victim);
  }

  #takeFrom(worker: PoolWorker): boolean {
    const jobs = takeBackWaiting(worker, "idle");
    this.#parts.queue.putBack(jobs);
    this.#parts.workers.update(worker);
    return jobs.length > 0;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#headStart?.stop();
  }
}

/** The keys of jobs belong to the worker that gets them. */
function bind(jobs: readonly Job[], worker: PoolWorker): void {
  for (const { extras } of jobs) {
    if (extras?.turn) extras.turn.key.workerId = worker.id;
  }
}
