// Takes back jobs that a worker has not started, for other workers.

import type { Job } from "../job/job.ts";
import type { PoolWorker } from "./worker.ts";

/** Takes back, in order, the jobs that can go elsewhere; jobs aside stay. */
export function takeBackAll(worker: PoolWorker): Job[] {
  return takeBackIf(worker, worker.jobs.all(), false, () => true);
}

/**
 * Takes back jobs that another worker may start sooner. Large arguments are
 * sent again only once, and only for an idle worker. Without another worker,
 * jobs before a large job also stay, or the large job would overtake them. An
 * idle worker can also get jobs aside.
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
 * Takes back the first waiting job with a lower priority, and the jobs after it.
 * Large jobs stay, because their arguments would be sent again.
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
    // Moved values cannot be sent again.
    const isBound = job.oneAttempt || !takesAsides && jobs.asides.has(job);
    return !isBound && jobs.canTakeBack(job) && mayLeave(job) &&
      worker.takeBack(job);
  });
}
