// Tracks the aborted jobs of one worker that have not ended: when the grace of
// each job is over, and whether the worker has received the aborts.

import type { Job } from "../job/job.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Time in ms within which a worker receives an abort unless it loops. */
const DEAF_AFTER = 20;

interface Aborting {
  job: Job;
  /** Time when the grace of the job is over. */
  due: number;
  /** Whether this is the last grace of the job. */
  isLast: boolean;
}

/** The aborted jobs of one worker that have not ended. */
export class AbortingJobs {
  readonly #all = new Map<Job, Aborting>();
  readonly #heard: () => number;
  /** Number of aborts sent to the worker. */
  #count = 0;
  /** Time when the last abort was sent. */
  #at = 0;

  /** @param heard Returns the number of aborts that the worker has received */
  constructor(heard: () => number) {
    this.#heard = heard;
  }

  /** Whether any aborted job still occupies the worker. */
  get any(): boolean {
    return this.#all.size > 0;
  }

  /** Adds an aborted job. */
  add(job: Job, due: number): void {
    this.#all.set(job, { job, due, isLast: false });
    this.#count++;
    this.#at = performanceNow();
  }

  /** Gives a job another grace, which can be its last. */
  extend(job: Job, due: number, isLast: boolean): void {
    if (this.#all.has(job)) this.#all.set(job, { job, due, isLast });
  }

  remove(job: Job): void {
    if (this.#all.size > 0) this.#all.delete(job);
  }

  /** Returns the jobs whose grace is over. */
  due(now: number): Aborting[] {
    return [...this.#all.values()].filter(({ due }) => due <= now);
  }

  /** Time when the next grace is over. */
  get nextDue(): number {
    let next = Infinity;
    for (const { due } of this.#all.values()) next = Math.min(next, due);
    return next;
  }

  /** Whether the worker has received all aborts. */
  get hasHeard(): boolean {
    // The worker counts in 32 bits.
    return (this.#heard() - this.#count | 0) >= 0;
  }

  /** Whether the worker does not receive aborts, and so is in a loop. */
  get isDeaf(): boolean {
    return !this.hasHeard && performanceNow() - this.#at >= DEAF_AFTER;
  }
}
