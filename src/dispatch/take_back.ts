// Which of the jobs that a worker was sent, and has not started, others may have.

import type { Job } from "../job/job.ts";
import type { PoolWorker } from "./worker.ts";

/** Takes back, in order, those that may go elsewhere; no other worker may have those aside. */
export function takeBackAll(worker: PoolWorker): Job[] {
  return takeBackIf(worker, worker.jobs.all(), false, () => true);
}

/**
 * The same for those that another worker may be quicker to start: to send large
 * arguments again is worth it once, and only for a worker that idles. Where there is
 * no other, those before a large one stay, too, or it would overtake them. The one
 * that idles is as good for those aside as one whose job waits for them.
 */
export function takeBackWaiting(
  worker: PoolWorker,
  other: "none" | "busy" | "idle",
): Job[] {
  const jobs = worker.jobs.all();
  const from = other === "none"
    ? jobs.findLastIndex((job) => job.isLarge) + 1
    : 0;
  return takeBackIf(worker, jobs.slice(from), other === "idle", (job) => {
    if (!job.isLarge) return true;
    if (other !== "idle" || job.extras!.wasTakenBack) return false;
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
  const mayLeave = (job: Job) => isLower(job) && !job.isLarge;
  return takeBackIf(worker, worker.jobs.all(), false, mayLeave);
}

function takeBackIf(
  worker: PoolWorker,
  all: Job[],
  takesAsides: boolean,
  mayLeave: (job: Job) => boolean,
): Job[] {
  const { jobs } = worker;
  return all.filter((job) => {
    // What has moved cannot be sent again.
    const isBound = job.oneAttempt || !takesAsides && jobs.asides.has(job);
    return !isBound && jobs.canTakeBack(job) && mayLeave(job) &&
      worker.takeBack(job);
  });
}
