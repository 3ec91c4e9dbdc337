// The jobs that have left their worker, while what they wrote is written out.

import type { Flight, Job } from "../job/job.ts";
import { JobQueue } from "../job/queue.ts";

/** Where a job is between its handler's end and the end of what moved with it. */
export class Finishing implements Flight {
  readonly #jobs = new JobQueue();

  /** Calls back when all that moved with the job is closed. */
  finish(job: Job, callback: () => void): void {
    const departures = job.extras!.departures!;
    job.flight = this;
    this.#jobs.push(job);
    departures.whenClosed(() => {
      if (!this.#jobs.remove(job)) return;
      job.flight = undefined;
      callback();
    });
  }

  /** It has run: nobody can take it back. */
  takeBack(): boolean {
    return false;
  }

  /** Closes what moved, whatever is still to be written; the job has not ended well then. */
  abort(job: Job, reason: unknown): void {
    this.#jobs.remove(job);
    job.flight = undefined;
    job.extras!.departures!.close(reason);
  }

  /** Closes all, and gives the jobs. */
  stop(reason: unknown): Job[] {
    const jobs: Job[] = [];
    for (let job = this.#jobs.peek(); job; job = this.#jobs.peek()) {
      jobs.push(job);
      this.abort(job, reason);
    }
    return jobs;
  }
}
