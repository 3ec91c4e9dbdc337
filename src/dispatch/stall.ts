// Detects when jobs wait in one worker and none of them starts: a long job
// holds them up, or something that a job has left behind blocks the worker.

import type { Job } from "../job/job.ts";
import type { InFlight } from "./in_flight.ts";
import type { Look } from "./watch.ts";

/** Time in ms that jobs wait behind a running job before they are moved. */
const BEHIND_A_JOB = 1;
/** Time in ms within which a worker must start the first of its jobs. */
const SILENT = 250;
/** Time in ms without a start after which a worker is stopped. */
export const LONGEST_SILENCE = 5_000;

/** What keeps a worker's jobs waiting. */
export type Verdict =
  | "fine"
  /** One thing has blocked it for long: its waiting jobs move elsewhere. */
  | "held"
  /** It has done nothing for so long that it must be replaced. */
  | "unresponsive";

/** What main waits for if a held worker has no jobs. */
const ANY_MESSAGE = "any message";

/** Watches the first job that waits, or, without jobs, for any message. */
export class Stall {
  readonly #jobs: InFlight;
  #first: Job | typeof ANY_MESSAGE | undefined;
  /** Time since which this job is the first. */
  #since = 0;

  constructor(jobs: InFlight) {
    this.#jobs = jobs;
  }

  /** Resets the watch after a message or the end of a job. */
  over(): void {
    this.#first = undefined;
  }

  /**
   * @param readingUntil Time until which the worker may be reading messages
   * @param isHeld Whether the worker is held
   */
  verdict(
    { now, late }: Pick<Look, "now" | "late">,
    readingUntil: number,
    isHeld: boolean,
  ): Verdict {
    // Nothing could arrive while this thread did not check at all.
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
