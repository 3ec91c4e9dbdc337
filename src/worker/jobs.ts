// The jobs of this worker, from their arrival to their ending.

import type { JobArrivals } from "../moving/kind.ts";
import type { CurrentJob, WorkerLife } from "../values/thread_state.ts";
import type { JobListReader } from "../wire/job_list.ts";
import type { Handler } from "./handlers.ts";

/** A job that this worker has received. Handlers see it as their current job. */
export class ReceivedJob implements CurrentJob {
  /** Private, because a handler that changed it would end another job. */
  readonly #seq: number;
  readonly id: number;
  /** Maximum time in ms that the job runs. */
  readonly timeout: number;
  /** Trace that the job belongs to. */
  readonly trace: string | undefined;
  /** Whether the job runs alongside jobs in progress, which wait for it. */
  readonly isAside: boolean;
  readonly args: unknown[];
  deadline: number | undefined = undefined;
  /** State of the job's worker, if the worker shares its thread. */
  life: WorkerLife | undefined = undefined;
  /** Values that moved with the job. */
  arrivals: JobArrivals | undefined = undefined;
  /** The job that starts after this job. */
  next: ReceivedJob | undefined = undefined;
  /** Index among the jobs in progress. */
  place = 0;
  #abort: AbortController | undefined;

  constructor(
    { seq, id, args, timeout, trace, isAside }: JobListReader,
    public handler: Handler,
    readonly workerId: number,
  ) {
    this.#seq = seq;
    this.id = id;
    this.args = args;
    this.timeout = timeout;
    this.trace = trace;
    this.isAside = isAside;
  }

  /** Returns the sequence number of a job. */
  static seqOf(this: void, job: ReceivedJob): number {
    return job.#seq;
  }

  get name(): string {
    return this.handler.name;
  }

  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  report(value: unknown): void {
    this.arrivals?.report?.(value);
  }

  abort(reason: unknown): void {
    (this.#abort ??= new AbortController()).abort(reason);
    this.arrivals?.abort?.(reason);
  }
}

export const { seqOf } = ReceivedJob;

/** The jobs that have not ended, in lists that need no methods a job could replace. */
export class Jobs {
  #first: ReceivedJob | undefined;
  #last: ReceivedJob | undefined;
  /**
   * Not a map by sequence number: with 1000 jobs in progress, a map takes 2.5 times as
   * long and 3 times the memory, because V8 chains the tables that a map outgrows.
   */
  readonly #inProgress: ReceivedJob[] = [];

  /** Whether a job waits to start. */
  get hasWaiting(): boolean {
    return this.#first !== undefined;
  }

  /** Number of asynchronous jobs in progress. */
  get inProgress(): number {
    return this.#inProgress.length;
  }

  /** Adds a job at the end. */
  add(job: ReceivedJob): void {
    if (this.#last) this.#last.next = job;
    else this.#first = job;
    this.#last = job;
  }

  /** Adds a job that runs aside: after other such jobs, before all other jobs. */
  addAside(job: ReceivedJob): void {
    let before: ReceivedJob | undefined;
    let next = this.#first;
    for (; next?.isAside; next = next.next) before = next;
    job.next = next;
    if (before) before.next = job;
    else this.#first = job;
    if (next === undefined) this.#last = job;
  }

  /** Whether another job waits for the next job. */
  get isAsideNext(): boolean {
    return this.#first?.isAside === true;
  }

  /** Removes and returns the next job to start. */
  shift(): ReceivedJob | undefined {
    const job = this.#first;
    if (job === undefined) return undefined;
    this.#first = job.next;
    if (this.#first === undefined) this.#last = undefined;
    job.next = undefined;
    return job;
  }

  /** Adds a job that continues asynchronously. */
  goesOn(job: ReceivedJob): void {
    job.place = this.#inProgress.length;
    this.#inProgress[job.place] = job;
  }

  /** Removes an asynchronous job that has ended. */
  ended(job: ReceivedJob): void {
    const last = this.#inProgress[this.#inProgress.length - 1];
    this.#inProgress[job.place] = last;
    last.place = job.place;
    this.#inProgress.length--;
  }

  /** Removes and returns all jobs: first the jobs in progress, then the waiting jobs. */
  takeAll(): ReceivedJob[] {
    const all = this.#inProgress.splice(0);
    for (let job = this.shift(); job; job = this.shift()) all.push(job);
    return all;
  }

  /** Returns the job with this sequence number, in progress or, in a process, not started. */
  find(seq: number): ReceivedJob | undefined {
    for (let i = 0; i < this.#inProgress.length; i++) {
      if (seqOf(this.#inProgress[i]) === seq) return this.#inProgress[i];
    }
    for (let job = this.#first; job; job = job.next) {
      if (seqOf(job) === seq) return job;
    }
  }
}
