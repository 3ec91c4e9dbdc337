// Tests nextFor(): the next job for a worker if jobs have priorities.
import { assertStrictEquals } from "@std/assert";
import { nextFor, noteTime } from "../../src/dispatch/order.ts";
import type { AllShared } from "../../src/dispatch/parts.ts";
import type { PoolWorker } from "../../src/dispatch/worker.ts";
import { Job } from "../../src/job/job.ts";
import { JobQueue } from "../../src/job/queue.ts";

let count = 0;

/** Makes a job that takes `ms`, if known. */
function jobOf(ms?: number, priority = 0): Job {
  const fn = { id: 0, name: "test", jobs: 0, isKept: true };
  const job = new Job(count++, fn, [], 0, { priority }, () => {});
  if (ms !== undefined) noteTime(job, ms);
  return job;
}

/**
 * Returns the next job for the first worker. `inFlight` lists the jobs of each worker.
 *
 * @param now Time in ms since the last job of a higher priority came
 */
function next(queued: Job[], inFlight: Job[][], now = 0): Job | undefined {
  const queue = new JobQueue();
  queue.isOrdered = queue.isRanked = true;
  for (const job of queued) queue.push(job);
  const higher = jobOf(1, 1);
  queue.push(higher);
  queue.remove(higher);
  const active = inFlight.map((jobs) => ({
    jobs: { length: jobs.length, peek: () => jobs[0] },
    concurrency: 1,
  }));
  const parts = {
    queue,
    workers: { active },
    sizing: { max: active.length },
    settings: { now: () => now },
  };
  const worker = active[0] as unknown as PoolWorker;
  return nextFor(worker, parts as unknown as AllShared, () => false);
}

for (const [name, ms] of [["of 6 ms", 6], ["not seen yet", undefined]]) {
  const long = () => jobOf(ms as number | undefined);

  Deno.test(`nextFor(): a job ${name} waits behind no job, no job waits behind it, and no job passes it`, () => {
    const [job, short] = [long(), jobOf(4)];
    assertStrictEquals(next([job, short], [[jobOf(4)]]), undefined);
    assertStrictEquals(next([jobOf(4)], [[long()]]), undefined);
    assertStrictEquals(next([job], [[]]), job);
    assertStrictEquals(next([short], [[jobOf(4)]]), short);
  });

  Deno.test(`nextFor(): a job ${name} leaves a worker free for a second after a job of a higher priority`, () => {
    const [job, short] = [long(), jobOf(4)];
    assertStrictEquals(next([long()], [[], [long()]], 1_000), undefined);
    assertStrictEquals(next([job], [[], [long()]], 1_001), job);
    assertStrictEquals(next([job], [[], [jobOf(4)]]), job);
    assertStrictEquals(next([short], [[], [long()]]), short);
  });
}
