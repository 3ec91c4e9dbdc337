// Which jobs which signals abort: one listener a signal, however many jobs
// share it, since taking a listener off costs more the more there are.

import type { Job } from "./job.ts";

/** The jobs that have a signal. */
export class AbortWatch {
  readonly #onAbort: (job: Job, reason: unknown) => void;
  // A `Map` that changes all the time keeps jobs of the past; see registry.ts.
  readonly #jobs = new WeakMap<AbortSignal, Set<Job>>();

  constructor(onAbort: (job: Job, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** Watches a signal for a job. */
  add(signal: AbortSignal, job: Job): void {
    let jobs = this.#jobs.get(signal);
    if (jobs === undefined) {
      this.#jobs.set(signal, jobs = new Set());
      signal.addEventListener("abort", this);
    }
    jobs.add(job);
  }

  /** Stops watching it, once the job has settled. */
  remove(signal: AbortSignal, job: Job): void {
    const jobs = this.#jobs.get(signal);
    jobs?.delete(job);
    if (jobs?.size === 0) this.#forget(signal);
  }

  /** A signal has fired. */
  handleEvent(event: Event): void {
    const signal = event.target as AbortSignal;
    const jobs = this.#jobs.get(signal) ?? [];
    this.#forget(signal);
    for (const job of jobs) {
      if (!job.settled) this.#onAbort(job, signal.reason);
    }
  }

  #forget(signal: AbortSignal): void {
    this.#jobs.delete(signal);
    signal.removeEventListener("abort", this);
  }
}
