// Jobs without a pool, for tests of what holds them.

import { Job, type JobExtras } from "../../src/job/job.ts";

const FN = { id: 0, name: "test", jobs: 0, isKept: true };

/** A job with a number; its promise is dropped, unless `resolve` takes it. */
export function makeJob(
  id: number,
  extras?: JobExtras,
  resolve: (value: unknown) => void = () => {},
): Job {
  return new Job(id, FN, [], 0, extras, resolve);
}

/** The numbers of jobs. */
export function ids(jobs: readonly Job[]): number[] {
  return jobs.map(({ id }) => id);
}
