// The time that jobs have to end by themselves, once they were told to.

import type { Job } from "../job/job.ts";
import type { Lane } from "./lane.ts";

/** Who hears of jobs that still run when their time is over. */
export interface GraceEvents {
  over(job: Job, lane: Lane): void;
  /** The same, for the second time. */
  overAgain(job: Job, lane: Lane): void;
}

/** Jobs that were told to end, in that order. */
export class Grace {
  readonly #ms: number;
  readonly #events: GraceEvents;
  /** Without the jobs themselves, which may end long before. */
  #waiting: { seq: number; lane: Lane; end: number; isLast: boolean }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** @param ms How long each has */
  constructor(ms: number, events: GraceEvents) {
    this.#ms = ms;
    this.#events = events;
  }

  /** A job of this lane was told to end. */
  give(job: Job, lane: Lane): void {
    this.#add(job, lane, false);
  }

  /** The same job has its time once more. */
  giveLast(job: Job, lane: Lane): void {
    this.#add(job, lane, true);
  }

  #add(job: Job, lane: Lane, isLast: boolean): void {
    if (this.#ms === Infinity || this.#isStopped) return;
    const end = performance.now() + this.#ms;
    this.#waiting.push({ seq: job.seq, lane, end, isLast });
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
    for (const { seq, lane, isLast } of this.#waiting.splice(0, count)) {
      const job = lane.job(seq);
      if (job === undefined) continue;
      if (isLast) this.#events.overAgain(job, lane);
      else this.#events.over(job, lane);
    }
    this.#start();
  }

  /** Tells of none any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
    clearTimeout(this.#timer);
  }
}
