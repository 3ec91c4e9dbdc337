// The jobs of this worker, from their arrival to their ending.

import type { JobArrivals } from "../moving/kind.ts";
import type { CurrentJob, WorkerLife } from "../values/thread_state.ts";
import type { JobListReader } from "../wire/job_list.ts";
import type { Handler } from "./handlers.ts";

/** A job as this worker has received it; handlers see it as their current job. */
export class ReceivedJob implements CurrentJob {
  /** Private: a handler that could change it would end another job. */
  readonly #seq: number;
  readonly id: number;
  /** How many ms it may execute. */
  readonly timeout: number;
  /** The trace that it is a part of. */
  readonly trace: string | undefined;
  /** Whether it runs beside those in progress, which wait for it. */
  readonly isAside: boolean;
  readonly args: unknown[];
  deadline: number | undefined = undefined;
  /** What belongs to its worker, where that is not the thread's. */
  life: WorkerLife | undefined = undefined;
  /** What has moved with it. */
  arrivals: JobArrivals | undefined = undefined;
  /** The job that starts after it. */
  next: ReceivedJob | undefined = undefined;
  /** Its index among the jobs in progress. */
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

  /** Its sequence number. */
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
   * No map by sequence numbers: with 1000 in progress that takes 2.5 times as long
   * and 3 times the memory, since V8 chains the tables that a map has outgrown.
   */
  readonly #inProgress: ReceivedJob[] = [];

  /** Whether a job waits to start. */
  get hasWaiting(): boolean {
    return this.#first !== undefined;
  }

  /** How many asynchronous jobs are in progress. */
  get inProgress(): number {
    return this.#inProgress.length;
  }

  /** A job has come. */
  add(job: ReceivedJob): void {
    if (this.#last) this.#last.next = job;
    else this.#first = job;
    this.#last = job;
  }

  /** A job has come for which another one waits: it starts after those like it, before all others. */
  addAside(job: ReceivedJob): void {
    let before: ReceivedJob | undefined;
    let next = this.#first;
    for (; next?.isAside; next = next.next) before = next;
    job.next = next;
    if (before) before.next = job;
    else this.#first = job;
    if (next === undefined) this.#last = job;
  }

  /** Whether it is for the next job that another one waits. */
  get isAsideNext(): boolean {
    return this.#first?.isAside === true;
  }

  /** Takes the job that starts next. */
  shift(): ReceivedJob | undefined {
    const job = this.#first;
    if (job === undefined) return undefined;
    this.#first = job.next;
    if (this.#first === undefined) this.#last = undefined;
    job.next = undefined;
    return job;
  }

  /** A job goes on by itself. */
  goesOn(job: ReceivedJob): void {
    job.place = this.#inProgress.length;
    this.#inProgress[job.place] = job;
  }

  /** A job that went on has ended. */
  ended(job: ReceivedJob): void {
    const last = this.#inProgress[this.#inProgress.length - 1];
    this.#inProgress[job.place] = last;
    last.place = job.place;
    this.#inProgress.length--;
  }

  /** Those in progress, and then those that wait; none is left. */
  takeAll(): ReceivedJob[] {
    const all = this.#inProgress.splice(0);
    for (let job = this.shift(); job; job = this.shift()) all.push(job);
    return all;
  }

  /** The job of this sequence number, in progress or, in a process, not started. */
  find(seq: number): ReceivedJob | undefined {
    for (let i = 0; i < this.#inProgress.length; i++) {
      if (seqOf(this.#inProgress[i]) === seq) return this.#inProgress[i];
    }
    for (let job = this.#first; job; job = job.next) {
      if (seqOf(job) === seq) return job;
    }
  }
}
