// The jobs of one worker that were told to end, and have not: when the grace of
// each is over, and whether the worker has heard.

import type { Job } from "../job/job.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Milliseconds within which a worker hears that a job is to end, unless it is in a loop. */
const DEAF_AFTER = 20;

/** A job that was told to end. */
interface Aborting {
  job: Job;
  /** When its grace is over. */
  due: number;
  /** Whether it has had its grace before. */
  isLast: boolean;
}

/** The jobs of one worker that were told to end. */
export class AbortingJobs {
  readonly #all = new Map<Job, Aborting>();
  readonly #heard: () => number;
  /** How often the worker was told that a job is to end. */
  #count = 0;
  /** When that was last so. */
  #at = 0;

  /** @param heard How often the worker has heard that a job is to end */
  constructor(heard: () => number) {
    this.#heard = heard;
  }

  /** Whether a job that was told to end still occupies the worker. */
  get any(): boolean {
    return this.#all.size > 0;
  }

  /** A job was told to end. */
  add(job: Job, due: number): void {
    this.#all.set(job, { job, due, isLast: false });
    this.#count++;
    this.#at = performanceNow();
  }

  /** A job has its grace again; for the last time, it may be. */
  extend(job: Job, due: number, isLast: boolean): void {
    if (this.#all.has(job)) this.#all.set(job, { job, due, isLast });
  }

  remove(job: Job): void {
    if (this.#all.size > 0) this.#all.delete(job);
  }

  /** Those whose grace is over. */
  due(now: number): Aborting[] {
    return [...this.#all.values()].filter(({ due }) => due <= now);
  }

  /** When the next grace is over. */
  get nextDue(): number {
    let next = Infinity;
    for (const { due } of this.#all.values()) next = Math.min(next, due);
    return next;
  }

  /** Whether the worker has heard all that it was told. */
  get hasHeard(): boolean {
    // What is heard is counted in 32 bits.
    return (this.#heard() - this.#count | 0) >= 0;
  }

  /** Whether the worker does not even hear that a job is to end, and so is in a loop. */
  get isDeaf(): boolean {
    return !this.hasHeard && performanceNow() - this.#at >= DEAF_AFTER;
  }
}
