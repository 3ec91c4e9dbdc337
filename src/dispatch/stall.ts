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

/** What a worker waits for to which nothing is sent, as long as it says nothing. */
const A_WORD = "a word";

/** Watches the first job that waits, or, where none is left, for a word. */
export class Stall {
  readonly #jobs: InFlight;
  #first: Job | typeof A_WORD | undefined;
  /** Since when it is the first. */
  #since = 0;

  constructor(jobs: InFlight) {
    this.#jobs = jobs;
  }

  /** The worker has said something, or ended a job. */
  over(): void {
    this.#first = undefined;
  }

  /**
   * @param readingUntil Until when the worker may be reading what it was sent
   * @param isHeld Whether it was held, and has said nothing since
   */
  verdict(now: number, readingUntil: number, isHeld: boolean): Verdict {
    const isAtNone = isHeld && this.#jobs.length === 0;
    const first = isAtNone ? A_WORD : this.#jobs.firstUnstarted();
    if (first === undefined || first !== this.#first) {
      this.#first = first;
      this.#since = now;
      return "fine";
    }
    if (first !== A_WORD && first !== this.#jobs.peek()) {
      const isBehind = this.#jobs.isAtOneBefore(first);
      return isBehind && now - this.#since >= BEHIND_A_JOB ? "held" : "fine";
    }
    const silence = now - Math.max(this.#since, readingUntil);
    if (silence > LONGEST_SILENCE) return "unresponsive";
    return silence >= SILENT ? "held" : "fine";
  }
}
