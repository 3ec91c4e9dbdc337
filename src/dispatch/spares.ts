// Workers that start ahead if each worker has a limited number of jobs: the
// next worker is ready when one has had its last job.

import type { Shared } from "./parts.ts";
import { usedUpWithin } from "./sizing.ts";
import type { PoolWorker } from "./worker.ts";

/** Time in ms to start a worker, until it has been measured. */
const ASSUMED_START_MS = 100;
/** Weight of the newest start in the mean. */
const WEIGHT = 1 / 4;

export class Spares {
  readonly all = new Set<PoolWorker>();
  readonly #parts: Shared;
  #startTime = ASSUMED_START_MS;
  /** Time when all spares were last needed. */
  neededAt = 0;

  constructor(parts: Shared) {
    this.#parts = parts;
  }

  /** Records the time in ms that a worker took to start. */
  noteStart(ms: number): void {
    this.#startTime += (ms - this.#startTime) * WEIGHT;
  }

  /**
   * Returns the number of spares wanted in addition to these workers.
   *
   * @param idle Number of these workers that are idle
   */
  wanted(workers: Iterable<PoolWorker>, idle: number): number {
    const { settings, sizing, pace } = this.#parts;
    const { maxJobsPerWorker: jobs, concurrency } = settings;
    if (jobs === Infinity || !sizing.isElastic) return 0;
    const mean = pace.mean / concurrency;
    let ends = -idle;
    for (const { jobs: { length }, jobsLeft } of workers) {
      if (length === 0) continue;
      ends += usedUpWithin(this.#startTime, { jobsLeft, jobs, mean });
    }
    const wanted = Math.max(0, Math.min(ends, sizing.max));
    if (wanted >= this.all.size) this.neededAt = settings.now();
    return wanted;
  }

  /** The spare that is ready first. */
  get next(): PoolWorker | undefined {
    let first: PoolWorker | undefined;
    for (const spare of this.all) {
      if (spare.isReady) return spare;
      first ??= spare;
    }
    return first;
  }
}
