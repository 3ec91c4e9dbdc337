// Workers that start ahead, where each has only so many jobs: the next one is ready
// when one has had its last.

import type { Shared } from "./parts.ts";
import { usedUpWithin } from "./sizing.ts";
import type { PoolWorker } from "./worker.ts";

/** How many ms a worker takes to start, until one has. */
const ASSUMED_START_MS = 100;
/** How much the newest start counts in the mean. */
const WEIGHT = 1 / 4;

/** The spares of a pool. */
export class Spares {
  readonly all = new Set<PoolWorker>();
  readonly #parts: Shared;
  #startTime = ASSUMED_START_MS;
  /** When all of them were last needed. */
  neededAt = 0;

  constructor(parts: Shared) {
    this.#parts = parts;
  }

  /** Notes how many ms a worker took to start. */
  noteStart(ms: number): void {
    this.#startTime += (ms - this.#startTime) * WEIGHT;
  }

  /**
   * How many are wanted beside these workers.
   *
   * @param idle How many of them have nothing to do
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

  /** The one that is ready first. */
  get next(): PoolWorker | undefined {
    let first: PoolWorker | undefined;
    for (const spare of this.all) {
      if (spare.isReady) return spare;
      first ??= spare;
    }
    return first;
  }
}
