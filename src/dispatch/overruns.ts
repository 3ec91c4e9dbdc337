// Jobs that execute for longer than they may: they are told to end, and those that
// do not cost their worker.

import { DeadlineTimer } from "./deadline_timer.ts";
import { Grace } from "./grace.ts";
import type { Job } from "../job/job.ts";
import type { Lane } from "./lane.ts";

/** What is done about them. */
export interface OverrunEvents {
  /** Takes what a worker has ended. */
  collect(lane: Lane): void;
  /** Lets a worker start no job that it has been sent. */
  hold(lane: Lane): void;
  /** A job has executed for as long as it may. */
  timedOut(job: Job): void;
  /** A job has not ended, though it was told to and had its grace. */
  ignored(job: Job, lane: Lane): void;
}

/** Watches over the jobs that have a timeout, or were aborted. */
export class Overruns {
  readonly #lanes: Iterable<Lane>;
  readonly #events: OverrunEvents;
  readonly #deadlines = new DeadlineTimer((now) => this.#endOverdue(now));
  readonly #grace: Grace;

  /** @param grace How many ms a job has to end, once it was told to */
  constructor(grace: number, lanes: Iterable<Lane>, events: OverrunEvents) {
    this.#lanes = lanes;
    this.#events = events;
    this.#grace = new Grace(grace, {
      over: (job, lane) => this.#endGrace(job, lane),
      overAgain: (job, lane) => events.ignored(job, lane),
    });
  }

  /** A job has been sent that may execute for so many ms. */
  expect(ms: number): void {
    this.#deadlines.expect(ms);
  }

  /** Tells a job that runs to end. */
  abort(job: Job, lane: Lane, reason: unknown): void {
    lane.abort(job, reason);
    this.#grace.give(job, lane);
  }

  /** Gives in how many ms there may be more. */
  #endOverdue(now: number): number {
    let next = Infinity;
    for (const lane of this.#lanes) {
      this.#events.collect(lane);
      const left = lane.findOverdue(now, (job) => {
        const reason = new DOMException("The job timed out", "TimeoutError");
        this.abort(job, lane, reason);
        this.#events.timedOut(job);
      });
      next = Math.min(next, left);
    }
    return next;
  }

  #endGrace(job: Job, lane: Lane): void {
    // What it does not hear since it is reading, it will hear.
    if (performance.now() < lane.readingUntil) {
      return this.#grace.give(job, lane);
    }
    // Else one may start between the last look and the end.
    this.#events.hold(lane);
    if (job.flight !== lane) return;
    if (!lane.isEnding) this.#events.ignored(job, lane);
    // What jobs have ended with is on its way. A job can keep it from coming.
    else this.#grace.giveLast(job, lane);
  }

  /** Watches no more until there is another job. */
  pause(): void {
    this.#deadlines.pause();
  }

  /** Watches no more. */
  stop(): void {
    this.#deadlines.stop();
    this.#grace.stop();
  }
}
