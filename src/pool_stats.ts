// What a pool has done so far, in numbers.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** How long something took, over all jobs so far; times are in ms. */
export interface Times {
  /** How many were measured. */
  count: number;
  /** The mean. */
  mean: number;
  /** The median. */
  p50: number;
  /** What 99 of 100 stay under. */
  p99: number;
  /** The longest. */
  max: number;
}

/** A snapshot of a pool. */
export interface PoolStats {
  /** Workers that are there or starting. */
  size: number;
  /** Workers that have no job. */
  idle: number;
  /** Workers that have one. */
  busy: number;
  /** Jobs that have not started. */
  queued: number;
  /** Jobs that are executing. */
  running: number;
  /** Jobs whose handler returned. */
  completed: number;
  /** Jobs whose handler threw, or that could not be executed. */
  failed: number;
  /** Jobs that their callers aborted. */
  aborted: number;
  /** Jobs that exceeded their timeout. */
  timedOut: number;
  /** Workers that died. */
  crashed: number;
  /** Workers that could not be stopped and were replaced. */
  lost: number;
  /** From `execute()` to the start of the handler. */
  waitTime: Times;
  /** From the start of the handler to its end. */
  runTime: Times;
  /** Which part of the workers' time went into jobs, from 0 to 1. */
  utilization: number;
}

const NS_PER_MS = 1e6;

/** The counts and times of one pool. */
export class Meter {
  completed = 0;
  failed = 0;
  aborted = 0;
  crashed = 0;
  // Made when the first job has ended, so that the first worker starts sooner.
  #waitTime: RecordableHistogram | undefined;
  #runTime: RecordableHistogram | undefined;
  #busyTime = 0;
  #workerTime = 0;
  readonly #workerStarts = new Map<number, number>();

  /** A job has ended; all on the clock of `performance.now()`. */
  jobEnded(submitted: number, start: number, end: number): void {
    record(this.#waitTime ??= newHistogram(), start - submitted);
    record(this.#runTime ??= newHistogram(), end - start);
    this.#busyTime += end - start;
  }

  workerStarted(workerId: number): void {
    this.#workerStarts.set(workerId, performance.now());
  }

  workerStopped(workerId: number): void {
    this.#workerTime += performance.now() - this.#workerStarts.get(workerId)!;
    this.#workerStarts.delete(workerId);
  }

  get waitTime(): Times {
    return times(this.#waitTime);
  }

  get runTime(): Times {
    return times(this.#runTime);
  }

  get utilization(): number {
    const now = performance.now();
    let workerTime = this.#workerTime;
    for (const start of this.#workerStarts.values()) workerTime += now - start;
    return workerTime > 0 ? Math.min(1, this.#busyTime / workerTime) : 0;
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ figures: 2 });
}

function record(histogram: RecordableHistogram, ms: number): void {
  // Clocks of two threads may differ by a little; a histogram starts at 1.
  histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)));
}

function times(histogram: RecordableHistogram | undefined): Times {
  if (histogram === undefined) {
    return { count: 0, mean: 0, p50: 0, p99: 0, max: 0 };
  }
  return {
    count: histogram.count,
    mean: histogram.mean / NS_PER_MS,
    p50: histogram.percentile(50) / NS_PER_MS,
    p99: histogram.percentile(99) / NS_PER_MS,
    max: histogram.max / NS_PER_MS,
  };
}
