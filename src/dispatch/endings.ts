// The place where every job leaves its worker: counts, times and settles it.

import { crashError } from "../job/failures.ts";
import type { Job } from "../job/job.ts";
import type { Outcome } from "../job/outcome.ts";
import type { Arrivals } from "../moving/arrivals.ts";
import { noteTime } from "./order.ts";
import type { Shared } from "./parts.ts";
import type { PoolWorker, Remains } from "./worker.ts";

/** Handles the ends of jobs. */
export class Endings {
  readonly #parts: Shared;

  constructor(parts: Shared) {
    this.#parts = parts;
  }

  /** Handles a job that has ended with a plain value. */
  value(
    worker: PoolWorker,
    job: Job,
    value: unknown,
    start: number,
    end: number,
  ): void {
    this.#left(worker, job, end - start);
    this.#parts.settlement.value(job, value, worker.id, start, end);
    this.#parts.room.release();
  }

  /** Handles any other end of a job, whose result can have open streams. */
  ended(
    worker: PoolWorker,
    job: Job,
    outcome: Outcome,
    start: number,
    end: number,
    streams: Arrivals | undefined,
  ): void {
    this.#left(worker, job, end - start);
    const run = { workerId: worker.id, start, end };
    this.#parts.settlement.ended(job, outcome, run, streams);
    this.#parts.room.release();
  }

  #left(worker: PoolWorker, job: Job, time: number): void {
    const { room, pace, health, queue } = this.#parts;
    worker.hasWorked = true;
    this.#announceLate(job, worker);
    pace.note(time);
    if (queue.isRanked) noteTime(job, time);
    // An abort may already have settled the job.
    job.extras?.turn?.endIfOver();
    health.worked();
    room.leave(worker.isCaller);
  }

  /** Whether there are listeners for the start of jobs. */
  get wantsStarts(): boolean {
    return this.#parts.events.hasListener("jobstart");
  }

  /** Rejects a job that could not be sent. */
  unsendable(worker: PoolWorker, job: Job, error: unknown): void {
    this.#parts.room.leave(worker.isCaller);
    this.#parts.settlement.fail(job, error);
    this.#parts.room.release();
  }

  /** Rejects a job that was lost with its worker. */
  crashed(worker: PoolWorker, job: Job, started: boolean, cause: unknown) {
    const { room } = this.#parts;
    room.leave(worker.isCaller);
    this.#fail(worker, job, started, crashError(job, started, cause));
    job.extras?.turn?.endIfOver();
    room.release();
  }

  /** Rejects all jobs of a worker that the pool has ended. */
  failAll(
    worker: PoolWorker,
    { started, unstarted }: Remains,
    error: () => Error,
  ): void {
    for (const job of started) this.#fail(worker, job, true, error());
    for (const job of unstarted) this.#fail(worker, job, false, error());
  }

  #fail(worker: PoolWorker, job: Job, started: boolean, error: unknown): void {
    const { meter, settlement } = this.#parts;
    if (!started) return settlement.fail(job, error);
    this.#announceLate(job, worker);
    const run = worker.runOf(job);
    meter.jobBroken(run.start, run.end);
    settlement.fail(job, error, run);
  }

  /** Announces the jobs that have started since the last call. */
  announceStarts(worker: PoolWorker): void {
    for (const job of worker.jobs.takeUnannounced()) {
      this.#announceStart(job, worker);
    }
  }

  /** Announces the start of a job that ends now, if it was not announced. */
  #announceLate(job: Job, worker: PoolWorker): void {
    if (this.wantsStarts && worker.jobs.isUnannounced(job)) {
      this.#announceStart(job, worker);
    }
  }

  #announceStart(job: Job, { id }: PoolWorker): void {
    // A process can start an aborted job, whose end has been announced.
    if (job.settled) return;
    this.#parts.events.emit("jobstart", {
      jobId: job.id,
      name: job.fn.name,
      workerId: id,
    });
  }
}
