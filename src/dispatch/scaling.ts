// Changes the number of workers for reasons other than jobs: starts ahead,
// resizing, idle workers, and the end of the pool.

import type { AllShared } from "./parts.ts";
import type { Limits } from "./sizing.ts";

/** What scaling needs in addition to the shared parts. */
export interface ScalingParts extends AllShared {
  /** Keeps the process running. */
  keepProcess(): void;
  /** Dispatches after a change. */
  dispatch(): void;
}

export class Scaling {
  readonly #parts: ScalingParts;
  /** Set while all workers stop. */
  #retiring: { done(): void; due: number } | undefined;

  constructor(parts: ScalingParts) {
    this.#parts = parts;
  }

  /** Maximum number of workers. */
  get maxWorkers(): number {
    return this.#parts.sizing.max;
  }

  /** Starts the workers that are wanted without jobs. */
  startAhead(): void {
    this.#parts.workers.grow();
  }

  /** Starts enough workers for the pool to count as started; `false` if they are ready. */
  start(): boolean {
    const { workers, sizing } = this.#parts;
    if (workers.enoughAreReady) return false;
    this.#parts.keepProcess();
    sizing.isStarting = true;
    workers.grow();
    return true;
  }

  /** Changes the limits; surplus workers end when their jobs have ended. */
  resize(limits: Limits): void {
    const { workers, sizing } = this.#parts;
    sizing.resize(limits, workers.idle.length);
    const staying = [...workers.active].filter(({ isRetired }) => !isRetired);
    // Workers with the fewest jobs end first.
    staying.sort((a, b) => a.jobs.length - b.jobs.length);
    const surplus = Math.max(0, staying.length - sizing.max);
    for (const worker of staying.slice(0, surplus)) workers.retire(worker);
    if (!sizing.isElastic || sizing.max === 0) workers.retireSpares(0);
    workers.expectIdle();
    this.#parts.dispatch();
  }

  /** Ends workers that have not been needed for a while. */
  endUnneeded(now: number): void {
    const { workers, sizing } = this.#parts;
    const count = sizing.unneeded(workers.active.size, now);
    for (const worker of workers.idle.slice(0, count)) workers.retire(worker);
    workers.retireUnneededSpares(now);
    workers.expectIdle();
  }

  /**
   * Lets all workers run their `onStop()` callbacks, after the last job.
   *
   * @returns Resolves after them or their grace; `undefined` if there are none
   */
  retire(): Promise<void> | undefined {
    const { workers, watch, settings: { stopGrace, now } } = this.#parts;
    if (!workers.askToStop) return undefined;
    this.#parts.keepProcess();
    const { promise, resolve } = Promise.withResolvers<void>();
    const retiring = this.#retiring = { done: resolve, due: Infinity };
    this.resize({ min: 0, max: 0 });
    // After the grace of every worker, so that late workers are reported first.
    retiring.due = now() + stopGrace + 1;
    watch.at("grace", retiring.due);
    return promise;
  }

  /** Finishes a start, or the end of the pool, if its workers are ready. */
  finishIfDone(): void {
    const { workers, sizing, watch, settings } = this.#parts;
    if (sizing.isStarting && workers.enoughAreReady) {
      sizing.isStarting = false;
      this.#parts.onStarted();
    }
    if (this.#retiring === undefined) return;
    const { due, done } = this.#retiring;
    if (!workers.askToStop || settings.now() >= due) done();
    else watch.at("grace", due);
  }
}
