// The end of every job: its promise settles here, once, and values that moved
// with the job are closed.

import { JobNotFoundError } from "../errors.ts";
import type { Arrivals } from "../moving/arrivals.ts";
import { AbortWatch } from "../values/abort_watch.ts";
import { Registry } from "../values/registry.ts";
import { failureIn } from "../wire/batch.ts";
import { timeoutError } from "./failures.ts";
import type { FunctionTable } from "./functions.ts";
import type { Job, JobRun } from "./job.ts";
import { errorOf, errorOfItem, type Outcome } from "./outcome.ts";
import type { PoolEvents } from "./pool_events.ts";
import { type Meter, OTHER } from "./stats.ts";

/** A job that has ended, but whose promise waits for the values that moved with the job. */
interface Closing {
  job: Job;
  run: JobRun;
}

/** What settling needs. */
export interface SettlementParts {
  meter: Meter;
  functions: FunctionTable;
  events: PoolEvents;
  /** The pool's clock, in ms. */
  now: () => number;
  /** Called when a job's signal has fired. */
  onAbort(job: Job, reason: unknown): void;
  /** Called in a microtask when nothing is waiting any more. */
  onDrained(): void;
}

/** The jobs whose promises have not settled. */
export class Settlement {
  readonly #parts: SettlementParts;
  readonly #aborts: AbortWatch<Job>;
  /** Jobs that have ended while values that moved with them are still being written out. */
  readonly #closing = new Registry<Closing>();
  #waiting = 0;
  #isTelling = false;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
    this.#aborts = new AbortWatch(parts.onAbort);
  }

  /** Number of promises that have not settled, and of jobs whose result streams are open. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Counts a promise that was given out. */
  add(job: Job): void {
    this.#waiting++;
    this.#parts.functions.begin(job.fn);
    const signal = job.extras?.signal;
    if (signal) this.#aborts.add(signal, job.id, job);
  }

  /** Settles a job that ended with a value, once the values that moved with the job are closed. */
  value(
    job: Job,
    value: unknown,
    workerId: number,
    start: number,
    end: number,
  ): void {
    if (job.extras?.cargo === undefined) {
      return this.#resolve(job, value, workerId, start, end);
    }
    this.#whenClosed(job, { workerId, start, end }, () => {
      this.#resolve(job, value, workerId, start, end);
    });
  }

  /** Settles a job that ended in any way. Streams of its result may still be open. */
  ended(job: Job, outcome: Outcome, run: JobRun, streams?: Arrivals): void {
    const settle = () => this.#settleAs(job, outcome, run);
    if (streams?.isOpen) {
      // The result of an aborted job has no reader.
      if (job.settled) streams.end();
      this.#hold(job, streams);
      settle();
    } else if (job.extras?.cargo) this.#whenClosed(job, run, settle);
    else settle();
  }

  #settleAs(job: Job, outcome: Outcome, run: JobRun): void {
    const { workerId, start, end } = run;
    if (outcome.kind === "value") {
      return this.#resolve(job, outcome.value, workerId, start, end);
    }
    const name = outcome.kind === "not-found" ? OTHER : job.fn.name;
    this.#parts.meter.jobEnded(name, job.submitted, start, end);
    if (outcome.kind === "timed-out") return this.timeOut(job, run);
    this.fail(job, errorOf(outcome, job.fn), run);
  }

  #resolve(
    job: Job,
    value: unknown,
    workerId: number,
    start: number,
    end: number,
  ): void {
    const { meter, events } = this.#parts;
    const { name } = job.fn;
    meter.jobEnded(name, job.submitted, start, end);
    if (job.settled) return;
    const failed = job.fn.isBatch ? failureIn(value) : undefined;
    meter.jobSettled(name, failed ? "failed" : "completed");
    if (events.hasListener("jobend")) {
      const error = failed && errorOfItem(failed, job.fn);
      this.#tellEnd(job, !failed, error, { workerId, start, end });
    }
    this.#settle(job);
    job.resolve(value);
  }

  /** Settles a job as failed. */
  fail(job: Job, error: unknown, run?: JobRun): void {
    if (job.settled) {
      if (!job.worker) job.extras?.cargo?.close(error);
      return;
    }
    // Callers can ask for any name, so jobs that were not found share one.
    const name = error instanceof JobNotFoundError ? OTHER : job.fn.name;
    this.#parts.meter.jobSettled(name, "failed");
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** Settles a job as timed out. */
  timeOut(job: Job, run?: JobRun): void {
    if (job.settled) return;
    this.#parts.meter.jobSettled(job.fn.name, "timedOut");
    const error = timeoutError(job);
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** Settles a job as aborted by its caller. */
  abort(job: Job, reason: unknown, run?: JobRun): void {
    if (job.settled) return;
    this.#parts.meter.jobSettled(job.fn.name, "aborted");
    this.#reject(job, reason, run);
  }

  #reject(job: Job, error: unknown, run: JobRun | undefined): void {
    const closing = this.#closing.get(job.id);
    if (closing) {
      this.#closing.delete(job.id);
      run = closing.run;
      const { start, end } = run;
      this.#parts.meter.jobEnded(job.fn.name, job.submitted, start, end);
    }
    if (this.#parts.events.hasListener("jobend")) {
      this.#tellEnd(job, false, error, run);
    }
    this.#settle(job);
    job.reject(error);
    // While a worker has the job, values that moved with it belong to the worker.
    if (!job.worker) job.extras?.cargo?.close(error);
  }

  /** Runs before the promise settles, so events precede its reactions. */
  #settle(job: Job): void {
    job.settled = true;
    this.#parts.functions.end(job.fn);
    const signal = job.extras?.signal;
    if (signal) this.#aborts.remove(signal, job.id);
    job.extras?.turn?.endIfOver();
    this.#countDown();
  }

  #countDown(): void {
    if (--this.#waiting > 0 || this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      if (this.#waiting === 0) this.#parts.onDrained();
    });
  }

  /** Waits for the streams of a result, and closes what moved with the job after them. */
  #hold(job: Job, streams: Arrivals): void {
    this.#waiting++;
    const end = () => this.#countDown();
    const cargo = job.extras?.cargo;
    streams.whenClosed(() => cargo ? cargo.whenClosed(end) : end());
  }

  #whenClosed(job: Job, run: JobRun, settle: () => void): void {
    this.#closing.set(job.id, { job, run });
    job.extras!.cargo!.whenClosed(() => {
      if (this.#closing.delete(job.id)) settle();
    });
  }

  /** Rejects the ended jobs that still wait for values that moved with them. */
  failClosing(error: () => unknown): void {
    for (const { job } of this.#closing.values()) this.fail(job, error());
  }

  #tellEnd(job: Job, ok: boolean, error: unknown, run?: JobRun): void {
    const now = this.#parts.now();
    const { workerId, start = now, end = now } = run ?? {};
    this.#parts.events.emit("jobend", {
      jobId: job.id,
      name: job.fn.name,
      ok,
      error,
      workerId,
      waitTime: Math.max(0, start - job.submitted),
      runTime: Math.max(0, end - start),
    });
  }
}

/** Appends the stack of the job's caller to the stack of an error, if known. */
function appendCaller({ extras }: Job, error: unknown): void {
  if (extras?.callerStack && error instanceof Error) {
    error.stack += `\n${extras.callerStack}`;
  }
}
