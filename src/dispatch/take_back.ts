// Which of the jobs that a worker was sent, and has not started, others may have.

import type { Job } from "../job/job.ts";
import type { PoolWorker } from "./worker.ts";

/** Takes back, in order, those that may go elsewhere; no other worker may have those aside. */
export function takeBackAll(worker: PoolWorker): Job[] {
  return takeBackIf(worker, false, () => true);
}

/**
 * The same for those that another worker may be quicker to start: to send large
 * arguments again is worth it once, and only for a worker that idles. That one is as
 * good for those aside as one whose job waits for them.
 */
export function takeBackWaiting(
  worker: PoolWorker,
  isOtherIdle: boolean,
): Job[] {
  return takeBackIf(worker, isOtherIdle, (job) => {
    if (!job.isLarge) return true;
    if (!isOtherIdle || job.extras!.wasTakenBack) return false;
    return job.extras!.wasTakenBack = true;
  });
}

/**
 * The same for those behind the first that waits with a lower priority than this;
 * the large ones, which would be sent again, stay.
 */
export function takeBackLower(worker: PoolWorker, priority: number): Job[] {
  if (worker.waiting === 0) return [];
  let isAny = false;
  const isLower = (job: Job) => isAny ||= job.priority < priority;
  return takeBackIf(worker, false, (job) => isLower(job) && !job.isLarge);
}

function takeBackIf(
  worker: PoolWorker,
  takesAsides: boolean,
  mayLeave: (job: Job) => boolean,
): Job[] {
  const { jobs } = worker;
  return jobs.all().filter((job) => {
    // What has moved cannot be sent again.
    const isBound = job.oneAttempt || !takesAsides && jobs.asides.has(job);
    return !isBound && jobs.canTakeBack(job) && mayLeave(job) &&
      worker.takeBack(job);
  });
}
