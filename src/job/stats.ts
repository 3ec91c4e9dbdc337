// What a pool has done so far, in numbers.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** How long something took, over all jobs so far, in milliseconds. */
export interface Times {
  /** The number of measured jobs. */
  count: number;
  /** The mean. */
  mean: number;
  /** The median; beyond 1 000 jobs, of one job in seven. */
  p50: number;
  /** The 99th percentile; beyond 1 000 jobs, of one job in seven. */
  p99: number;
  /** The longest. */
  max: number;
}

/** A snapshot of a pool, see {@linkcode ThreadPool.stats}. */
export interface PoolStats {
  /** Workers that may get jobs, including those that are starting, but not spares. */
  size: number;
  /** Workers without a job. */
  idle: number;
  /** Workers with a job. */
  busy: number;
  /** Jobs that have not started. */
  queued: number;
  /** Jobs that are running. */
  running: number;
  /** Jobs whose handler returned. */
  completed: number;
  /** Jobs whose handler threw, or that could not run. */
  failed: number;
  /** Jobs that their callers aborted. */
  aborted: number;
  /** Jobs that ran longer than their timeout. */
  timedOut: number;
  /** Workers that died by themselves, not those that the pool stopped. */
  crashed: number;
  /**
   * Threads that still run now although they, or their jobs, were told to end. The
   * number falls when they end.
   */
  lost: number;
  /** The time from `execute()` to the start of the handler. */
  waitTime: Times;
  /** The time from the start of the handler to its end. */
  runTime: Times;
  /**
   * The part of the workers' time that went into jobs, from 0 to 1. With
   * `concurrency`, the part of all the jobs that they could have had in progress.
   */
  utilization: number;
}

const NS_PER_MS = 1e6;
const ALL_UP_TO = 1000;
/** A prime, so that it does not beat with what recurs in the jobs. */
const ONE_IN = 7;

/** The counts and times of one pool. */
export class Meter {
  completed = 0;
  failed = 0;
  aborted = 0;
  timedOut = 0;
  crashed = 0;
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly #waitTimes = new Series();
  readonly #runTimes = new Series();
  #busyTime = 0;
  #workerTime = 0;
  readonly #workerStarts = new Map<number, number>();

  /**
   * @param concurrency How many jobs a worker may have in progress
   * @param now The pool's clock, in ms
   */
  constructor(concurrency: number, now: () => number) {
    this.#concurrency = concurrency;
    this.#now = now;
  }

  /** A job has ended; all on the pool's clock. */
  jobEnded(submitted: number, start: number, end: number): void {
    // Clocks of two threads may differ by a little.
    this.#waitTimes.add(Math.max(0, start - submitted));
    this.#runTimes.add(end - start);
    this.#busyTime += end - start;
  }

  workerStarted(workerId: number): void {
    this.#workerStarts.set(workerId, this.#now());
  }

  workerStopped(workerId: number): void {
    this.#workerTime += this.#now() - this.#workerStarts.get(workerId)!;
    this.#workerStarts.delete(workerId);
  }

  get waitTime(): Times {
    return this.#waitTimes.summary();
  }

  get runTime(): Times {
    return this.#runTimes.summary();
  }

  get utilization(): number {
    const now = this.#now();
    let workerTime = this.#workerTime;
    for (const start of this.#workerStarts.values()) workerTime += now - start;
    const available = workerTime * this.#concurrency;
    return available > 0 ? Math.min(1, this.#busyTime / available) : 0;
  }
}

/** Times of one kind. */
class Series {
  #count = 0;
  #sum = 0;
  #max = 0;
  // Made with the first time, so that the first worker starts sooner.
  #histogram: RecordableHistogram | undefined;

  add(ms: number): void {
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
    // A histogram costs more than all the rest, so it sees but a sample of many.
    if (this.#count > ALL_UP_TO && this.#count % ONE_IN !== 0) return;
    this.#histogram ??= createHistogram({ figures: 2 });
    this.#histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)));
  }

  summary(): Times {
    const at = (percentile: number) =>
      Math.min(
        this.#max,
        (this.#histogram?.percentile(percentile) ?? 0) / NS_PER_MS,
      );
    return {
      count: this.#count,
      mean: this.#count > 0 ? this.#sum / this.#count : 0,
      p50: at(50),
      p99: at(99),
      max: this.#max,
    };
  }
}
