// The time that jobs have to end by themselves, once they were told to.

import type { Job } from "./job.ts";
import type { Lane } from "./lane.ts";

/** Jobs that were told to end, in that order. */
export class Grace {
  readonly #ms: number;
  readonly #over: (job: Job, lane: Lane) => void;
  #waiting: { job: Job; lane: Lane; end: number }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param ms How long each has
   * @param over Hears of those that still run then
   */
  constructor(ms: number, over: (job: Job, lane: Lane) => void) {
    this.#ms = ms;
    this.#over = over;
  }

  /** A job of this lane was told to end. */
  give(job: Job, lane: Lane): void {
    if (this.#ms === Infinity) return;
    this.#waiting.push({ job, lane, end: performance.now() + this.#ms });
    this.#start();
  }

  #start(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const left = this.#waiting[0].end - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(0, left));
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    const first = this.#waiting.findIndex(({ end }) => end > now);
    const count = first < 0 ? this.#waiting.length : first;
    for (const { job, lane } of this.#waiting.splice(0, count)) {
      if (job.flight === lane) this.#over(job, lane);
    }
    this.#start();
  }

  /** Tells of none any more. */
  stop(): void {
    this.#waiting = [];
    clearTimeout(this.#timer);
  }
}
