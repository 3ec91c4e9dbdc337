// Where every job leaves its worker: counted, timed, and handed on to be settled.

import { crashError } from "../job/failures.ts";
import type { Job } from "../job/job.ts";
import type { Outcome } from "../job/settlement.ts";
import type { Arrivals } from "../moving/arrivals.ts";
import { noteTime } from "./order.ts";
import type { Shared } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

/** The way out of a worker. */
export class Endings {
  readonly #parts: Shared;

  constructor(parts: Shared) {
    this.#parts = parts;
  }

  /** A job has ended with a plain value. */
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

  /** A job has ended in any other way; its result may hold streams that are open. */
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
    if (this.wantsStarts && worker.jobs.isUnannounced(job)) {
      this.announceStart(job, worker);
    }
    pace.note(time);
    if (queue.isRanked) noteTime(job, time);
    // It may have settled before, by an abort.
    job.extras?.turn?.endIfOver();
    health.worked();
    room.leave();
  }

  /** Whether anybody wants to hear of the starts of jobs. */
  get wantsStarts(): boolean {
    return this.#parts.events.hasListener("jobstart");
  }

  /** A job could not be sent. */
  unsendable(job: Job, error: unknown): void {
    this.#parts.room.leave();
    this.#parts.settlement.fail(job, error);
    this.#parts.room.release();
  }

  /** A job's worker is gone, and the job with it. */
  crashed(worker: PoolWorker, job: Job, started: boolean, cause: unknown) {
    const run = started ? worker.runOf(job) : undefined;
    if (run) this.#parts.meter.jobBroken(run.start, run.end);
    this.#parts.room.leave();
    this.#parts.settlement.fail(job, crashError(job, started, cause), run);
    job.extras?.turn?.endIfOver();
    this.#parts.room.release();
  }

  /** Jobs may have started. */
  announceStarts(worker: PoolWorker): void {
    for (const job of worker.jobs.takeUnannounced()) {
      this.announceStart(job, worker);
    }
  }

  /** A job has started. */
  announceStart(job: Job, { id }: PoolWorker): void {
    this.#parts.events.emit("jobstart", {
      jobId: job.id,
      name: job.fn.name,
      workerId: id,
    });
  }
}
