// Whether the jobs of one worker wait without one of them starting: a job that
// is long holds the others up, or something that a job has left behind holds
// the worker itself.

import type { Job } from "../job/job.ts";
import type { InFlight } from "./in_flight.ts";

/** Behind a job that runs, jobs wait for so many ms before others may have them. */
const BEHIND_A_JOB = 1;
/** So long a worker may take to start the first of its jobs. */
const SILENT = 250;
/** After so many ms without a start a worker is given up. */
export const LONGEST_SILENCE = 5_000;

/** What keeps a worker's jobs waiting. */
export type Verdict =
  | "fine"
  /** It is at one thing for long: what waits is for others. */
  | "held"
  /** It does nothing for so long that it is to be replaced. */
  | "unresponsive";

/** Watches the first job that waits. */
export class Stall {
  readonly #jobs: InFlight;
  #first: Job | undefined;
  /** Since when it is the first. */
  #since = 0;

  constructor(jobs: InFlight) {
    this.#jobs = jobs;
  }

  /** The worker has said something, or ended a job. */
  over(): void {
    this.#first = undefined;
  }

  /** @param readingUntil Until when the worker may be reading what it was sent */
  verdict(now: number, readingUntil: number): Verdict {
    const first = this.#jobs.firstUnstarted();
    if (first === undefined || first !== this.#first) {
      this.#first = first;
      this.#since = now;
      return "fine";
    }
    if (first !== this.#jobs.peek()) {
      const isBehind = this.#jobs.isRunningBefore(first);
      return isBehind && now - this.#since >= BEHIND_A_JOB ? "held" : "fine";
    }
    const silence = now - Math.max(this.#since, readingUntil);
    if (silence > LONGEST_SILENCE) return "unresponsive";
    return silence >= SILENT ? "held" : "fine";
  }
}
