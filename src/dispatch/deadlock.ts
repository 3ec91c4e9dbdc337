// Detects when a pool waits for itself: the jobs in all workers wait for jobs
// of the same pool.

import type { Link } from "../flow/link.ts";
import type { Job } from "../job/job.ts";
import type { AllShared } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

/** A job that waits for other jobs of its pool. */
export interface WaitingJob {
  /** Link to the worker of the job. */
  readonly link: Link;
  /** Job that runs alongside this job, in the same worker. */
  readonly aside: Job | undefined;
}

export class DeadlockDetector {
  readonly #parts: AllShared;
  /** Callback for when a job that waited for its key can start. */
  onKeyFree: (() => void) | undefined;

  constructor(parts: AllShared) {
    this.#parts = parts;
  }

  /** Returns the worker with this link, if it belongs to this pool. */
  workerOf(link: Link): PoolWorker | undefined {
    const { active } = this.#parts.workers;
    return [...active].find((worker) => worker.link === link);
  }

  /** Whether no worker can accept a job until a waiting job continues. */
  isDeadlock(waiting: readonly WaitingJob[]): boolean {
    const { queue: { length, parked }, workers, sizing } = this.#parts;
    // Another worker does not help if all queued jobs wait for their keys.
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
