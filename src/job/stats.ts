// What a pool has done, in numbers: since its start, since an earlier look, and of
// the jobs of each name.

import { expected } from "../expected.ts";
import { Series, type Times } from "./times.ts";

/** What has come of jobs. */
export interface JobCounts {
  /** Jobs whose handler returned. */
  completed: number;
  /**
   * Jobs that were accepted and rejected for any other reason: the handler threw, the
   * worker died, the queue discarded them, or the pool ended. Calls that were refused
   * are not counted.
   */
  failed: number;
  /** Jobs that their callers aborted. */
  aborted: number;
  /** Jobs that ran longer than their timeout. */
  timedOut: number;
  /** The time from `execute()` to the start of the handler. */
  waitTime: Times;
  /** The time from the start of the handler to its end. */
  runTime: Times;
}

/** What has come of the jobs of one name, see {@linkcode PoolStats.byName}. */
export interface JobStats extends JobCounts {
  /** Their name; of inline jobs, the name of the function, or `"inline"`. */
  name: string;
}

/** A snapshot of a pool, see {@linkcode ThreadPool.stats}. */
export interface PoolStats extends JobCounts {
  /** Workers that may get jobs, including those that are starting, but not spares. */
  size: number;
  /** Workers without a job, including those that are starting. */
  idle: number;
  /** Workers with a job. */
  busy: number;
  /** Jobs that have not started. */
  queued: number;
  /** Jobs that are running. */
  running: number;
  /** Workers that died by themselves, not those that the pool stopped. */
  crashed: number;
  /**
   * Threads that still run now although they, or their jobs, were told to end. The
   * number falls when they end.
   */
  lost: number;
  /**
   * The part of the workers' time that went into jobs, from 0 to 1. With
   * `concurrency`, the part of all the jobs that they could have had in progress.
   */
  utilization: number;
  /**
   * The jobs of each name, in the order in which the names were first seen, if the
   * pool has {@linkcode ThreadPoolOptions.statsByName}. Names after the first 100, and
   * those that the module does not export, are counted together as `"(other)"`.
   */
  byName?: JobStats[];
}

/** Options of {@linkcode ThreadPool.stats}. */
export interface StatsOptions {
  /**
   * What an earlier call of `stats()` of the same pool returned: that object, not a
   * copy. The counts, times and `utilization` are then of what happened since. What
   * the pool does now, such as `queued`, is told as ever.
   */
  since?: PoolStats | undefined;
  /**
   * Bounds in milliseconds, in ascending order, for {@linkcode Times.buckets}. Counts
   * are exact where a bound is a power of two; any other is met to 2 %.
   */
  buckets?: readonly number[];
}

/** What workers do now. */
export interface Work {
  size: number;
  idle: number;
  queued: number;
  running: number;
  lost: number;
  /** How long the jobs that are running have run, in ms altogether. */
  timeRunning: number;
}

/** How a job's promise can settle. */
export type Settled = "completed" | "failed" | "aborted" | "timedOut";

/** How many names are told apart. */
const NAMES = 100;
/** All other names; no function is called so. */
export const OTHER = "(other)";

/** The jobs of a pool, or those of one name. */
class Tally implements Record<Settled, number> {
  completed = 0;
  failed = 0;
  aborted = 0;
  timedOut = 0;
  readonly #waitTime: Series;
  readonly #runTime: Series;

  constructor(waitTime = new Series(), runTime = new Series()) {
    this.#waitTime = waitTime;
    this.#runTime = runTime;
  }

  add(waitTime: number, runTime: number): void {
    this.#waitTime.add(waitTime);
    this.#runTime.add(runTime);
  }

  copy(): Tally {
    const copy = new Tally(this.#waitTime.copy(), this.#runTime.copy());
    copy.completed = this.completed;
    copy.failed = this.failed;
    copy.aborted = this.aborted;
    copy.timedOut = this.timedOut;
    return copy;
  }

  since(before: Tally = NONE, buckets?: readonly number[]): JobCounts {
    return {
      completed: this.completed - before.completed,
      failed: this.failed - before.failed,
      aborted: this.aborted - before.aborted,
      timedOut: this.timedOut - before.timedOut,
      waitTime: this.#waitTime.since(before.#waitTime, buckets),
      runTime: this.#runTime.since(before.#runTime, buckets),
    };
  }
}

const NONE = new Tally();

/** All that only grows, as it was at one moment. */
interface Mark {
  total: Tally;
  byName: ReadonlyMap<string, Tally> | undefined;
  crashed: number;
  busyTime: number;
  workerTime: number;
}

/** The counts and times of one pool. */
export class Meter {
  crashed = 0;
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly total = new Tally();
  readonly #byName: Map<string, Tally> | undefined;
  #busyTime = 0;
  #workerTime = 0;
  readonly #workerStarts = new Map<number, number>();
  /** What the snapshots that were given out can be subtracted by. */
  readonly #marks = new WeakMap<PoolStats, Mark>();

  /**
   * @param concurrency How many jobs a worker may have in progress
   * @param now The pool's clock, in ms
   * @param byName Whether the jobs of each name are counted, too
   */
  constructor(concurrency: number, now: () => number, byName: boolean) {
    this.#concurrency = concurrency;
    this.#now = now;
    this.#byName = byName ? new Map() : undefined;
  }

  /** A job's handler has ended; all on the pool's clock. */
  jobEnded(name: string, submitted: number, start: number, end: number): void {
    // Clocks of two threads may differ by a little.
    const waitTime = Math.max(0, start - submitted);
    const runTime = Math.max(0, end - start);
    this.#busyTime += runTime;
    this.total.add(waitTime, runTime);
    if (this.#byName) this.#named(this.#byName, name).add(waitTime, runTime);
  }

  /** A job has run, and its end was not seen. */
  jobBroken(start: number, end: number): void {
    this.#busyTime += Math.max(0, end - start);
  }

  /** A job's promise has settled. */
  jobSettled(name: string, as: Settled): void {
    this.total[as]++;
    if (this.#byName) this.#named(this.#byName, name)[as]++;
  }

  #named(byName: Map<string, Tally>, name: string): Tally {
    const known = byName.get(name);
    if (known) return known;
    const most = byName.has(OTHER) ? NAMES + 1 : NAMES;
    if (name !== OTHER && byName.size >= most) {
      return this.#named(byName, OTHER);
    }
    const tally = new Tally();
    byName.set(name, tally);
    return tally;
  }

  workerStarted(workerId: number): void {
    this.#workerStarts.set(workerId, this.#now());
  }

  workerStopped(workerId: number): void {
    this.#workerTime += this.#now() - this.#workerStarts.get(workerId)!;
    this.#workerStarts.delete(workerId);
  }

  /**
   * Makes a snapshot.
   *
   * @throws {TypeError} If it is to begin with what is no snapshot of this pool
   */
  read(work: Work, { since, buckets }: StatsOptions): PoolStats {
    const before = since === undefined ? undefined : this.#marks.get(since);
    if (since !== undefined && !before) {
      throw expected(
        "since",
        "what `stats()` of this pool has returned",
        since,
      );
    }
    const mark = this.#mark(work.timeRunning);
    const { size, idle, queued, running, lost } = work;
    const { waitTime, runTime, ...counts } = //
      mark.total.since(before?.total, buckets);
    const stats: PoolStats = {
      size,
      idle,
      busy: size - idle,
      queued,
      running,
      ...counts,
      crashed: mark.crashed - (before?.crashed ?? 0),
      lost,
      waitTime,
      runTime,
      utilization: this.#utilization(mark, before),
    };
    if (mark.byName) {
      stats.byName = Array.from(mark.byName, ([name, tally]) => {
        return { name, ...tally.since(before?.byName?.get(name), buckets) };
      });
    }
    this.#marks.set(stats, mark);
    return stats;
  }

  #mark(timeRunning: number): Mark {
    const now = this.#now();
    let workerTime = this.#workerTime;
    for (const start of this.#workerStarts.values()) workerTime += now - start;
    const byName = this.#byName &&
      new Map(Array.from(this.#byName, ([name, one]) => [name, one.copy()]));
    const total = this.total.copy();
    const busyTime = this.#busyTime + timeRunning;
    return { total, byName, crashed: this.crashed, busyTime, workerTime };
  }

  #utilization(mark: Mark, before?: Mark): number {
    const busyTime = mark.busyTime - (before?.busyTime ?? 0);
    const workerTime = mark.workerTime - (before?.workerTime ?? 0);
    const available = workerTime * this.#concurrency;
    if (available <= 0) return 0;
    return Math.max(0, Math.min(1, busyTime / available));
  }
}
