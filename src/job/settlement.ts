// The end of every job's way: its promise settles here, once, and what moved
// with it is closed.

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

/** A job that has ended, and whose promise waits for what moved with it. */
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
  /** A job's signal has fired. */
  onAbort(job: Job, reason: unknown): void;
  /** No promise waits any more; told in a microtask. */
  onDrained(): void;
}

/** The jobs whose promises wait. */
export class Settlement {
  readonly #parts: SettlementParts;
  readonly #aborts: AbortWatch<Job>;
  /** Jobs that have ended, while what moved with them is still written out. */
  readonly #closing = new Registry<Closing>();
  #waiting = 0;
  #isTelling = false;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
    this.#aborts = new AbortWatch(parts.onAbort);
  }

  /** How many promises have not settled, and streams of results not ended. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A promise is given out. */
  add(job: Job): void {
    this.#waiting++;
    this.#parts.functions.begin(job.fn);
    const signal = job.extras?.signal;
    if (signal) this.#aborts.add(signal, job.id, job);
  }

  /** A job has ended with a value; it settles once what moved with it is closed. */
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

  /** A job has ended in any way; streams of its result may still be open. */
  ended(job: Job, outcome: Outcome, run: JobRun, streams?: Arrivals): void {
    const settle = () => this.#settleAs(job, outcome, run);
    if (streams?.isOpen) {
      // Nobody will read the result of a job that was aborted.
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

  /** The job has failed. */
  fail(job: Job, error: unknown, run?: JobRun): void {
    if (job.settled) {
      if (!job.worker) job.extras?.cargo?.close(error);
      return;
    }
    // Any text may have been asked for, so these share a name.
    const name = error instanceof JobNotFoundError ? OTHER : job.fn.name;
    this.#parts.meter.jobSettled(name, "failed");
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** The job has executed for longer than it may. */
  timeOut(job: Job, run?: JobRun): void {
    if (job.settled) return;
    this.#parts.meter.jobSettled(job.fn.name, "timedOut");
    const error = timeoutError(job);
    appendCaller(job, error);
    this.#reject(job, error, run);
  }

  /** The caller has aborted the job. */
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
    // While a worker has the job, what moved with it is the worker's.
    if (!job.worker) job.extras?.cargo?.close(error);
  }

  /** Comes before the promise settles, so that events come before its reactions. */
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

  /** What has moved with a job ends with the streams of its result, which are waited for. */
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

  /** Rejects the jobs that have ended, while what moved with them is not closed. */
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

/** Says in an error's stack where its job was called, if that is known. */
function appendCaller({ extras }: Job, error: unknown): void {
  if (extras?.callerStack && error instanceof Error) {
    error.stack += `\n${extras.callerStack}`;
  }
}
