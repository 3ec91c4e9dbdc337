// What becomes of jobs that have left their workers: those with which something
// has moved wait for its end before anyone hears of theirs.

import { Finishing } from "./finishing.ts";
import type { Job } from "../job/job.ts";
import type { Outcome } from "./lane.ts";
import type { Arrivals } from "../moving/arrivals.ts";

/** Who hears of jobs that have ended. */
export interface ReturnEvents {
  /** A job has ended with a plain value. */
  jobValue(
    job: Job,
    value: unknown,
    workerId: number,
    start: number,
    end: number,
  ): void;
  /** A job has ended in any other way; what is open of its result stays so until it is closed. */
  jobEnded(
    job: Job,
    outcome: Outcome,
    workerId: number,
    start: number,
    end: number,
    open?: Promise<void>,
  ): void;
}

/** The jobs that have left their workers. */
export class Returns {
  readonly #events: ReturnEvents;
  readonly #finishing = new Finishing();

  constructor(events: ReturnEvents) {
    this.#events = events;
  }

  /** A job has left with a plain value. */
  value(
    job: Job,
    value: unknown,
    workerId: number,
    start: number,
    end: number,
  ): void {
    if (job.extras?.departures === undefined) {
      return this.#events.jobValue(job, value, workerId, start, end);
    }
    this.#finishing.finish(job, () => {
      this.#events.jobValue(job, value, workerId, start, end);
    });
  }

  /** A job has left in any other way; streams of its result may still be joined to its worker. */
  ended(
    job: Job,
    outcome: Outcome,
    workerId: number,
    start: number,
    end: number,
    streams: Arrivals | undefined,
  ): void {
    const tell = (open?: Promise<void>) => {
      this.#events.jobEnded(job, outcome, workerId, start, end, open);
    };
    if (streams?.isOpen) {
      // Nobody will read what a job gives that its caller has aborted.
      if (job.settled) streams.end();
      tell(untilClosed(job, streams));
    } else if (job.extras?.departures) this.#finishing.finish(job, tell);
    else tell();
  }

  /** Closes what has moved with those that are not done, and gives them. */
  stop(reason: unknown): Job[] {
    return this.#finishing.stop(reason);
  }
}

/** What has moved with a job ends with the streams of its result. */
function untilClosed(job: Job, streams: Arrivals): Promise<void> {
  return new Promise((resolve) => {
    streams.whenClosed(() => {
      const departures = job.extras?.departures;
      if (departures === undefined) resolve();
      else departures.whenClosed(resolve);
    });
  });
}
