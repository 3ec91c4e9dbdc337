// Reports what the workers are doing now, in numbers and one by one.

import type { WorkerActivity } from "../job/activity.ts";
import type { JobQueue } from "../job/queue.ts";
import type { Work } from "../job/stats.ts";
import type { PoolWorker } from "./worker.ts";
import type { WorkerState } from "./worker_state.ts";
import type { Workers } from "./workers.ts";

/** Counts workers and jobs; the caller's thread runs jobs, but is no worker. */
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
    const isBusy = worker.jobs.length > 0 || worker.state === "held";
    if (isBusy && worker !== caller) idle--;
    queued += inFlight.sent;
    running += inFlight.running;
    timeRunning += worker.jobs.timeRunning(now);
  }
  const { size } = active;
  return { size, idle, queued, running, lost: lostThreads, timeRunning };
}

/** Public names of the states; a worker that is gone is never listed. */
const NAMES: Record<WorkerState, WorkerActivity["state"]> = {
  starting: "starting",
  spare: "spare",
  idle: "idle",
  busy: "busy",
  held: "busy",
  lost: "lost",
  draining: "ending",
  stopping: "ending",
  gone: "ending",
};

/** Lists each worker with its running jobs; the caller's thread if it has any. */
export function activities(
  { active, inactive }: Workers,
  caller: PoolWorker | undefined,
): WorkerActivity[] {
  const workers = [...active, ...inactive].sort((a, b) => a.id - b.id);
  if (caller && caller.jobs.length > 0) workers.unshift(caller);
  return workers.map((worker) => {
    const jobs = worker.jobs.running().map((job) => {
      const { start, end } = worker.runOf(job);
      const runTime = Math.max(0, end - start);
      return { jobId: job.id, name: job.fn.name, runTime };
    });
    // A worker that runs a job has started, even if main does not know yet.
    const isBusy = worker === caller ||
      worker.state === "starting" && jobs.length > 0;
    const state = isBusy ? "busy" : NAMES[worker.state];
    return { workerId: worker.id, state, jobs };
  });
}
