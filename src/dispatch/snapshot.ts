// What the workers do now, in numbers.

import type { JobQueue } from "../job/queue.ts";
import type { Work } from "../job/stats.ts";
import type { PoolWorker } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** Counts workers and jobs; the caller's own thread is no worker, but runs jobs. */
export function snapshot(
  queue: JobQueue,
  { active, lostThreads }: Workers,
  caller: PoolWorker | undefined,
  now: number,
): Work {
  let idle = active.size;
  let queued = queue.length + queue.parked;
  let running = 0;
  let timeRunning = 0;
  for (const worker of caller ? [...active, caller] : active) {
    const inFlight = worker.jobs.count();
    if (worker.jobs.length > 0 && worker !== caller) idle--;
    queued += inFlight.sent;
    running += inFlight.running;
    timeRunning += worker.jobs.timeRunning(now);
  }
  const { size } = active;
  return { size, idle, queued, running, lost: lostThreads, timeRunning };
}
