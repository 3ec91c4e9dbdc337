// Whether a pool waits for itself: all its workers are taken by jobs that wait for
// jobs of the same pool.

import type { Link } from "../flow/link.ts";
import type { Job } from "../job/job.ts";
import type { JobQueue } from "../job/queue.ts";
import type { Sizing } from "./sizing.ts";
import type { PoolWorker } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** A job that waits for others. */
export interface WaitingJob {
  /** The link to its worker. */
  readonly link: Link;
  /** What runs there beside it. */
  readonly aside: Job | undefined;
}

/** Looks at the workers, and at the jobs that wait for others. */
export class DeadlockDetector {
  readonly #workers: Workers;
  readonly #sizing: Sizing;
  readonly #queue: JobQueue;
  /** Hears that a job which waited for its key may start. */
  onKeyFree: (() => void) | undefined;

  constructor(
    { workers, sizing, queue }: {
      workers: Workers;
      sizing: Sizing;
      queue: JobQueue;
    },
  ) {
    this.#workers = workers;
    this.#sizing = sizing;
    this.#queue = queue;
  }

  /** The worker of a link, if it is one of this pool's. */
  workerOf(link: Link): PoolWorker | undefined {
    return [...this.#workers.active].find((worker) => worker.link === link);
  }

  /** Whether no worker can take a job before one of those that wait goes on. */
  isDeadlock(waiting: readonly WaitingJob[]): boolean {
    // Another worker is of no use where all jobs wait for others of their keys.
    const { length, parked } = this.#queue;
    const isOfUse = length > 0 || parked === 0;
    let count = 0;
    for (const { link, jobs, room, concurrency } of this.#workers.active) {
      const { running } = jobs.count();
      const mayGoOn = jobs.length > running || isOfUse && room > 0;
      if (running < concurrency && mayGoOn) return false;
      let taken = 0;
      for (const one of waiting) {
        if (one.link === link) taken += one.aside ? 2 : 1;
      }
      if (taken < running) return false;
      count++;
    }
    const isMost = count >= this.#sizing.max || this.#workers.isFull;
    return count > 0 && (isMost || !isOfUse);
  }
}
