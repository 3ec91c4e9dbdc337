// Makes jobs without a pool, for tests of queues and other holders of jobs.

import { Job, type JobExtras } from "../../src/job/job.ts";

const FN = { id: 0, name: "test", jobs: 0, isKept: true };

/** Returns a job with this id. Its promise is dropped, unless `resolve` receives it. */
export function makeJob(
  id: number,
  extras?: JobExtras,
  resolve: (value: unknown) => void = () => {},
): Job {
  return new Job(id, FN, [], 0, extras, resolve);
}

/** Returns the ids of jobs. */
export function ids(jobs: readonly Job[]): number[] {
  return jobs.map(({ id }) => id);
}
