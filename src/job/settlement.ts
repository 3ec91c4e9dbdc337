// Settles the promises of jobs, each once, and counts how they ended.

import type { AbortWatch } from "./abort_watch.ts";
import type { Job } from "./job.ts";
import type { Meter } from "./stats.ts";

/** What settling needs of the pool. */
export interface SettlementEvents {
  /** A job's promise has settled. */
  settled(job: Job, ok: boolean, error: unknown, run: JobRun | undefined): void;
  /** No job is left whose promise has not. */
  drained(): void;
}

/** Where and when a job ran, where somebody wants to know. */
export interface JobRun {
  workerId: number;
  start: number;
  end: number;
}

/** The jobs whose promises wait. */
export class Settlement {
  readonly #meter: Meter;
  readonly #aborts: AbortWatch;
  readonly #events: SettlementEvents;
  #waiting = 0;

  constructor(meter: Meter, aborts: AbortWatch, events: SettlementEvents) {
    this.#meter = meter;
    this.#aborts = aborts;
    this.#events = events;
  }

  /** How many promises have not settled, and streams not ended. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A promise is given out. */
  add(): void {
    this.#waiting++;
  }

  /** A stream that a job has given back is open: it is waited for, too. */
  async hold(closed: Promise<void>): Promise<void> {
    this.#waiting++;
    await closed;
    this.#waiting--;
    if (this.#waiting === 0) this.#events.drained();
  }

  /** The job has ended well. */
  resolve(job: Job, value: unknown, run?: JobRun): void {
    if (job.settled) return;
    this.#meter.completed++;
    job.resolve(value);
    this.#settle(job, true, undefined, run);
  }

  /** The job has failed. */
  fail(job: Job, error: unknown, run?: JobRun): void {
    if (job.settled) {
      if (!job.flight) job.extras?.departures?.close(error);
      return;
    }
    this.#meter.failed++;
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** The job has executed for longer than it may. */
  timeOut(job: Job, error: unknown, run?: JobRun): void {
    if (job.settled) return;
    this.#meter.timedOut++;
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** The caller has aborted the job. */
  abort(job: Job, reason: unknown, run?: JobRun): void {
    this.#meter.aborted++;
    this.#reject(job, reason, run);
  }

  #reject(job: Job, error: unknown, run: JobRun | undefined): void {
    // What moved with it is its worker's for as long as it is in flight.
    if (!job.flight) job.extras?.departures?.close(error);
    job.reject(error);
    this.#settle(job, false, error, run);
  }

  #settle(
    job: Job,
    ok: boolean,
    error: unknown,
    run: JobRun | undefined,
  ): void {
    job.settled = true;
    const signal = job.extras?.signal;
    if (signal) this.#aborts.remove(signal, job);
    this.#waiting--;
    this.#events.settled(job, ok, error, run);
    if (this.#waiting === 0) this.#events.drained();
  }
}

/** Says in an error's stack where its job was called, if that is known. */
function appendCaller({ extras }: Job, error: unknown): void {
  if (extras?.callerStack && error instanceof Error) {
    error.stack += `\n${extras.callerStack}`;
  }
}
