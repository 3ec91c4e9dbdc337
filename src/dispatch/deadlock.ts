// Whether a pool waits for itself: all its workers are taken by jobs that wait for
// jobs of the same pool.

import type { Link } from "../flow/link.ts";
import type { Job } from "../job/job.ts";
import type { AllShared } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

/** A job that waits for others. */
export interface WaitingJob {
  /** The link to its worker. */
  readonly link: Link;
  /** What runs there beside it. */
  readonly aside: Job | undefined;
}

/** Looks at the workers, and at the jobs that wait for others. */
export class DeadlockDetector {
  readonly #parts: AllShared;
  /** Hears that a job which waited for its key may start. */
  onKeyFree: (() => void) | undefined;

  constructor(parts: AllShared) {
    this.#parts = parts;
  }

  /** The worker of a link, if it is one of this pool's. */
  workerOf(link: Link): PoolWorker | undefined {
    const { active } = this.#parts.workers;
    return [...active].find((worker) => worker.link === link);
  }

  /** Whether no worker can take a job before one of those that wait goes on. */
  isDeadlock(waiting: readonly WaitingJob[]): boolean {
    const { queue: { length, parked }, workers, sizing } = this.#parts;
    // Another worker is of no use where all jobs wait for others of their keys.
    const isOfUse = length > 0 || parked === 0;
    let count = 0;
    for (const { link, jobs, room, concurrency } of workers.active) {
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
    const isMost = count >= sizing.max || workers.isFull;
    return count > 0 && (isMost || !isOfUse);
  }
}
