// Statistics of a pool: since its start, since an earlier snapshot, and for each
// job name.

import { expected } from "../expected.ts";
import { Series, type Times } from "./times.ts";

/** Outcomes and times of jobs. */
export interface JobCounts {
  /** Number of jobs whose handler returned. */
  completed: number;
  /**
   * Number of accepted jobs that rejected for any other reason: the handler threw,
   * the worker died, the queue discarded the job, or the pool ended. Refused calls
   * are not counted.
   */
  failed: number;
  /** Number of jobs that their callers aborted. */
  aborted: number;
  /** Number of jobs that ran longer than their timeout. */
  timedOut: number;
  /** Time from `execute()` to the start of the handler. */
  waitTime: Times;
  /** Time from the start of the handler to its end. */
  runTime: Times;
}

/** Outcomes and times of the jobs of one name, see {@linkcode PoolStats.byName}. */
export interface JobStats extends JobCounts {
  /** Name of the jobs. For inline jobs, the name of the function, or `"inline"`. */
  name: string;
}

/** A snapshot of a pool, see {@linkcode ThreadPool.stats}. */
export interface PoolStats extends JobCounts {
  /** Number of workers that accept jobs, including starting workers, but not spares. */
  size: number;
  /** Number of workers without a job, including starting workers. */
  idle: number;
  /** Number of workers with a job. */
  busy: number;
  /** Number of jobs that have not started. */
  queued: number;
  /** Number of jobs that are running. */
  running: number;
  /** Number of workers that died by themselves, not counting workers that the pool stopped. */
  crashed: number;
  /**
   * Number of threads that are still running although they, or their jobs, were
   * told to end. The number falls when they end.
   */
  lost: number;
  /**
   * Share of the workers' time spent on jobs, from 0 to 1. With `concurrency`, share
   * of all the jobs that the workers could have had in progress.
   */
  utilization: number;
  /**
   * Statistics for each job name, in the order in which names were first seen, if the
   * pool has {@linkcode ThreadPoolOptions.statsByName}. Names after the first 100, and
   * names that the module does not export, are counted together as `"(other)"`.
   */
  byName?: JobStats[];
}

/** Options of {@linkcode ThreadPool.stats}. */
export interface StatsOptions {
  /**
   * Object that an earlier call of `stats()` of the same pool returned, not a copy.
   * Counts, times and `utilization` then cover only the time since that call.
   * Current values, such as `queued`, are unaffected.
   */
  since?: PoolStats | undefined;
  /**
   * Bounds in ms for {@linkcode Times.buckets}, in ascending order. Counts are exact
   * if the bound is a power of two; all other bounds are accurate to 2 %.
   */
  buckets?: readonly number[];
}

/** What the workers are doing now. */
export interface Work {
  size: number;
  idle: number;
  queued: number;
  running: number;
  lost: number;
  /** Total time in ms for which the running jobs have run. */
  timeRunning: number;
}

/** The ways in which a job's promise can settle. */
export type Settled = "completed" | "failed" | "aborted" | "timedOut";

/** Maximum number of names with separate statistics. */
const NAMES = 100;
/** Shared name for all other jobs; no function has this name. */
export const OTHER = "(other)";

/** Counts and times of all jobs of a pool, or of one name. */
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

/** All values that only grow, at one moment. */
interface Mark {
  total: Tally;
  byName: ReadonlyMap<string, Tally> | undefined;
  crashed: number;
  busyTime: number;
  workerTime: number;
}

/** Counts and times of one pool. */
export class Meter {
  crashed = 0;
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly total = new Tally();
  readonly #byName: Map<string, Tally> | undefined;
  #busyTime = 0;
  #workerTime = 0;
  readonly #workerStarts = new Map<number, number>();
  /** The values at the time of each snapshot that was returned, to subtract later. */
  readonly #marks = new WeakMap<PoolStats, Mark>();

  /**
   * @param concurrency Maximum number of jobs that a worker has in progress
   * @param now The pool's clock, in ms
   * @param byName Whether to count the jobs of each name as well
   */
  constructor(concurrency: number, now: () => number, byName: boolean) {
    this.#concurrency = concurrency;
    this.#now = now;
    this.#byName = byName ? new Map() : undefined;
  }

  /** Counts a handler that has ended. All times are on the pool's clock. */
  jobEnded(name: string, submitted: number, start: number, end: number): void {
    // The clocks of two threads can differ slightly.
    const waitTime = Math.max(0, start - submitted);
    const runTime = Math.max(0, end - start);
    this.#busyTime += runTime;
    this.total.add(waitTime, runTime);
    if (this.#byName) this.#named(this.#byName, name).add(waitTime, runTime);
  }

  /** Counts the time of a job that ran but whose end main did not see. */
  jobBroken(start: number, end: number): void {
    this.#busyTime += Math.max(0, end - start);
  }

  /** Counts a job whose promise has settled. */
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
   * Returns a snapshot.
   *
   * @throws {TypeError} If `since` is not a snapshot of this pool
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
