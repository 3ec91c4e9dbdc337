// Whether the jobs of one worker wait without one of them starting: a job that
// is long holds the others up, or something that a job has left behind holds
// the worker itself.

import type { Job } from "../job/job.ts";
import type { InFlight } from "./in_flight.ts";
import type { Look } from "./watch.ts";

/** Milliseconds that jobs wait behind one that runs before others may have them. */
const BEHIND_A_JOB = 1;
/** Milliseconds that a worker may take to start the first of its jobs. */
const SILENT = 250;
/** Milliseconds without a start after which a worker is given up. */
export const LONGEST_SILENCE = 5_000;

/** What keeps a worker's jobs waiting. */
export type Verdict =
  | "fine"
  /** It is at one thing for long: what waits is for others. */
  | "held"
  /** It does nothing for so long that it is to be replaced. */
  | "unresponsive";

/** What a held worker is watched for where it has no job. */
const ANY_MESSAGE = "any message";

/** Watches the first job that waits, or, where none is left, for any message. */
export class Stall {
  readonly #jobs: InFlight;
  #first: Job | typeof ANY_MESSAGE | undefined;
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
  verdict(
    { now, late }: Pick<Look, "now" | "late">,
    readingUntil: number,
    isHeld: boolean,
  ): Verdict {
    // Nothing could come while this thread did not look at all.
    if (late >= SILENT) this.#since += late;
    const isHeldWithoutJobs = isHeld && this.#jobs.length === 0;
    const first = isHeldWithoutJobs ? ANY_MESSAGE : this.#jobs.firstUnstarted();
    if (first === undefined || first !== this.#first) {
      this.#first = first;
      this.#since = now;
      return "fine";
    }
    if (first !== ANY_MESSAGE && first !== this.#jobs.peek()) {
      const isBehind = this.#jobs.hasActiveBefore(first);
      return isBehind && now - this.#since >= BEHIND_A_JOB ? "held" : "fine";
    }
    const silence = now - Math.max(this.#since, readingUntil);
    if (silence > LONGEST_SILENCE) return "unresponsive";
    return silence >= SILENT ? "held" : "fine";
  }
}
