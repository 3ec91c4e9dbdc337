// Chooses the next job for a worker if jobs have priorities or keys. Otherwise
// none of this runs.

import type { Job } from "../job/job.ts";
import type { AllShared } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

/** Mean time in ms above which a job is long: none waits behind it, one worker stays free. */
const LONG = 5;

/**
 * Returns the next job for a worker.
 *
 * @param sendHome Sends a job to the worker that had the last job of its key
 */
export function nextFor(
  worker: PoolWorker,
  parts: AllShared,
  sendHome: (home: PoolWorker, job: Job) => boolean,
): Job | undefined {
  const { queue, workers } = parts;
  for (;;) {
    const job = queue.pick((job) => !isKept(worker, job, parts));
    // Do not try other jobs: this job could then wait forever.
    if (job === undefined || !mayHave(worker, job, parts)) return undefined;
    if (job.extras?.turn === undefined) return job;
    const home = workers.find(job.extras.turn.key.workerId);
    if (home === undefined || home === worker) return job;
    if (!mayHave(home, job, parts) || !sendHome(home, job)) return job;
  }
}

/** Whether a job can go to a busy worker: no job waits behind a long job. */
function mayHave(worker: PoolWorker, job: Job, { queue }: AllShared): boolean {
  const { jobs, concurrency } = worker;
  if (!queue.isRanked || jobs.length < concurrency) return true;
  return !isLong(job) && !hasLong(worker);
}

/**
 * Whether a worker is kept for jobs of a higher priority: while such jobs
 * arrive, long jobs leave one worker free.
 */
function isKept(
  worker: PoolWorker,
  job: Job,
  { queue, workers, sizing: { max: size }, settings, watch }: AllShared,
): boolean {
  if (!queue.isRanked || !isLong(job) || size === 1) return false;
  if (!queue.expectsAbove(job.priority, settings.now())) return false;
  if (hasLong(worker)) return false;
  let free = size - 1;
  for (const other of workers.active) {
    if (other !== worker && hasLong(other)) free--;
  }
  if (free > 0) return false;
  // On the caller's thread, nothing else makes main check after that time.
  if (settings.onCallerThread) watch.at("grace", queue.expectedUntil + 1);
  return true;
}

/** Whether a job may take long; unknown functions may. */
function isLong({ fn }: Job): boolean {
  return (fn.mean ?? Infinity) > LONG;
}

/** Whether a long job occupies a worker. */
function hasLong({ jobs, concurrency }: PoolWorker): boolean {
  if (concurrency > 1) return jobs.all().some(isLong);
  const first = jobs.peek();
  return first !== undefined && isLong(first);
}

/** Records that a job has ended after `time` ms in its worker. */
export function noteTime({ fn }: Job, time: number): void {
  fn.mean = fn.mean === undefined ? time : fn.mean + (time - fn.mean) / 8;
}
