// Changes how many workers there are by other causes than jobs: a start ahead of
// them, another size, time without need, and the end of the pool.

import type { AllShared } from "./parts.ts";
import type { Limits } from "./sizing.ts";

/** What scaling needs beside what all share. */
export interface ScalingParts extends AllShared {
  /** Keeps the process from ending. */
  keepProcess(): void;
  /** Acts on what has changed. */
  dispatch(): void;
}

/** Scales a pool. */
export class Scaling {
  readonly #parts: ScalingParts;
  /** While all workers are told to stop. */
  #retiring: { done(): void; due: number } | undefined;

  constructor(parts: ScalingParts) {
    this.#parts = parts;
  }

  /** How many workers there may be. */
  get maxWorkers(): number {
    return this.#parts.sizing.max;
  }

  /** Starts the workers that are wanted without jobs. */
  startAhead(): void {
    this.#parts.workers.grow();
  }

  /** Starts, ahead of jobs, the workers with which the pool counts as started; `false` if they are ready. */
  start(): boolean {
    const { workers, sizing } = this.#parts;
    if (workers.enoughAreReady) return false;
    this.#parts.keepProcess();
    sizing.isStarting = true;
    workers.grow();
    return true;
  }

  /** Changes how many workers there may be: those that are too many end when their jobs have. */
  resize(limits: Limits): void {
    const { workers, sizing } = this.#parts;
    sizing.resize(limits, workers.idle.length);
    const staying = [...workers.active].filter(({ isRetired }) => !isRetired);
    // First those that do least.
    staying.sort((a, b) => a.jobs.length - b.jobs.length);
    const surplus = Math.max(0, staying.length - sizing.max);
    for (const worker of staying.slice(0, surplus)) workers.retire(worker);
    if (!sizing.isElastic || sizing.max === 0) workers.retireSpares(0);
    workers.expectIdle();
    this.#parts.dispatch();
  }

  /** Ends workers that were not needed for a while. */
  endUnneeded(now: number): void {
    const { workers, sizing } = this.#parts;
    const count = sizing.unneeded(workers.active.size, now);
    for (const worker of workers.idle.slice(0, count)) workers.retire(worker);
    workers.retireUnneededSpares(now);
    workers.expectIdle();
  }

  /**
   * Lets all workers do what their jobs want done at the end, since no other job comes.
   *
   * @returns Resolves when they have, or had enough time; `undefined` if there is nothing to do
   */
  retire(): Promise<void> | undefined {
    const { workers, watch, settings: { stopGrace, now } } = this.#parts;
    if (!workers.askToStop) return undefined;
    this.#parts.keepProcess();
    const { promise, resolve } = Promise.withResolvers<void>();
    const retiring = this.#retiring = { done: resolve, due: Infinity };
    this.resize({ min: 0, max: 0 });
    // Not before the grace of any worker, of which is told when it is over.
    retiring.due = now() + stopGrace + 1;
    watch.at("grace", retiring.due);
    return promise;
  }

  /** Finishes a start, or the end of the pool, if its workers are that far. */
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
