// What the dispatcher tells, as ends of jobs, counts and events of the pool.

import type { DispatcherEvents } from "../dispatch/dispatcher.ts";
import type { Outcome } from "../dispatch/lane.ts";
import { JobCloneError, JobNotFoundError } from "../errors.ts";
import type { Job } from "../job/job.ts";
import type { JobRun, Settlement } from "../job/settlement.ts";
import type { Meter } from "../job/stats.ts";
import type { Listeners } from "./events.ts";
import { explain } from "./explain.ts";
import { crashError, startError, timeoutError } from "./failures.ts";

/** What hears of it. */
export interface WiredPool {
  readonly module: string | undefined;
  readonly meter: Meter;
  readonly settlement: Settlement;
  readonly listeners: Listeners;
  /** Where and since when a job runs, if it runs and somebody listens. */
  runOf(job: Job): JobRun | undefined;
  /** There may be room for another job. */
  freed(): void;
  /** No job is left. */
  emptied(): void;
  /** Ends the pool. */
  stop(refusal: () => Error): void;
}

/** Wires a pool to its dispatcher. */
export function dispatcherEvents(pool: WiredPool): DispatcherEvents {
  const { meter, settlement, listeners } = pool;
  const workerError = (workerId: number, message: string) => {
    listeners.tell("workererror", { workerId, error: new Error(message) });
  };
  return {
    tellsStarts: () => listeners.wants("jobstart"),
    jobStarted({ id, fn }, workerId) {
      listeners.tell("jobstart", { jobId: id, name: fn.name, workerId });
    },
    jobValue(job, value, workerId, start, end) {
      meter.jobEnded(job.submitted, start, end);
      const run = listeners.wants("jobend")
        ? { workerId, start, end }
        : undefined;
      settlement.resolve(job, value, run);
    },
    jobEnded(job, outcome, workerId, start, end, open) {
      meter.jobEnded(job.submitted, start, end);
      if (open) settlement.hold(open);
      settle(settlement, job, outcome, { workerId, start, end });
    },
    freed: () => pool.freed(),
    emptied: () => pool.emptied(),
    jobLost: (job, error) => settlement.fail(job, error),
    jobTimedOut(job) {
      settlement.timeOut(job, timeoutError(job), pool.runOf(job));
    },
    jobCrashed(job, run, cause) {
      const error = crashError(job.fn.name, run !== undefined, cause);
      settlement.fail(job, error, run);
    },
    workerStarted(workerId) {
      meter.workerStarted(workerId);
      listeners.tell("workerstart", { workerId });
    },
    workerStopped(workerId) {
      meter.workerStopped(workerId);
      listeners.tell("workerstop", { workerId });
    },
    workerDied(workerId, error) {
      meter.crashed++;
      listeners.tell("workererror", { workerId, error });
    },
    workerLost(workerId) {
      workerError(
        workerId,
        "The worker could not be stopped: its thread goes on",
      );
    },
    workerForged(workerId) {
      workerError(
        workerId,
        "A job has posted a message of its own, which was dropped",
      );
    },
    startFailed: (cause) => pool.stop(() => startError(pool.module, cause)),
  };
}

/** Tells of the end of a job. */
export function tellEnd(
  listeners: Listeners,
  { id, fn, submitted }: Job,
  ok: boolean,
  error: unknown,
  run: JobRun | undefined,
): void {
  if (!listeners.wants("jobend")) return;
  const now = performance.now();
  const { workerId, start = now, end = now } = run ?? {};
  listeners.tell("jobend", {
    jobId: id,
    name: fn.name,
    ok,
    error,
    workerId,
    waitTime: Math.max(0, start - submitted),
    runTime: Math.max(0, end - start),
  });
}

function settle(
  settlement: Settlement,
  job: Job,
  outcome: Outcome,
  run: JobRun,
): void {
  switch (outcome.kind) {
    case "value":
      return settlement.resolve(job, outcome.value, run);
    case "error":
      explain(outcome.error, job.fn);
      return settlement.fail(job, outcome.error, run);
    case "not-found":
      return settlement.fail(job, new JobNotFoundError(outcome.message), run);
    case "not-cloneable":
      return settlement.fail(job, new JobCloneError(outcome.message), run);
    case "timed-out":
      return settlement.timeOut(job, timeoutError(job), run);
  }
}
