// The jobs in flight to one worker, in the order in which they start, with their
// states on the board. Each job has a slot on the board until it has ended.

import { type Board, State } from "../wire/board.ts";
import type { Job, JobWorker } from "../job/job.ts";
import { AbortingJobs } from "./aborting_jobs.ts";

/** Length of `#order`, in rounds of all slots, at which it is tidied. */
const ROUNDS = 4;

/** Duration of a turn of the event loop, in ms. */
const TURN = 1;
/**
 * Number of checks without a new message after which main believes that there
 * is none. If this thread had to wait for its core, two checks can run in a row
 * before any message is read.
 */
const LOOKS = 3;
/** Maximum time in ms to wait for data that may be in a pipe. */
const LONGEST_READING = 100;

/** Returns the ms to wait for data in a pipe, after this thread was busy. */
export function timeToRead(late: number, least: number): number {
  return Math.min(Math.max(least, late), LONGEST_READING);
}

/** A list that adds no pointers to jobs, which come and go by the million. */
export class InFlight {
  /** Jobs that were aborted and have not ended. */
  readonly aborting: AbortingJobs;
  /** Jobs that run alongside jobs that wait for them: `Feeder.sendAside()`. */
  readonly asides = new Set<Job>();
  /** Whether any job has run aside since the list was last empty. */
  hadAside = false;
  /** Number of messages received from the worker. */
  messages = 0;
  readonly #board: Board;
  readonly #slots: (Job | undefined)[];
  readonly #mask: number;
  readonly #isRemote: boolean;
  #end = 0;
  /** Sequence numbers of the jobs, in order, among numbers of removed jobs. */
  #order: number[] = [];
  #first = 0;
  #length = 0;
  #bytes = 0;
  /** First sequence number whose start has not been announced. */
  #firstUnannounced = 0;

  /**
   * @param slots Maximum number of jobs: a power of two
   * @param isRemote Whether the worker's messages take a while to arrive
   */
  constructor(board: Board, slots: number, isRemote: boolean) {
    this.#isRemote = isRemote;
    this.#board = board;
    this.aborting = new AbortingJobs(() => board.heard);
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  /** Number of jobs. */
  get length(): number {
    return this.#length;
  }

  /** Number of jobs that can be added. */
  get room(): number {
    return this.#slots.length - this.#length;
  }

  /** Next sequence number, above those of all jobs. */
  get end(): number {
    return this.#end;
  }

  /** Approximate size of the arguments of all jobs, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a job, numbers it, and marks it on the board as sent. */
  add(job: Job, worker: JobWorker, isAside = false): void {
    // With concurrent jobs, a slot can still be in use when its turn comes.
    while (this.#slots[this.#end & this.#mask]) this.#end++;
    job.worker = worker;
    job.seq = this.#end++;
    this.#slots[job.seq & this.#mask] = job;
    if (this.#length++ === 0) this.#order.length = this.#first = 0;
    else if (this.#order.length >= ROUNDS * this.#slots.length) this.#tidy();
    this.#order.push(job.seq);
    this.#bytes += job.size;
    if (isAside) {
      this.asides.add(job);
      this.hadAside = true;
    }
    this.#board.send(job.seq);
  }

  #tidy(): void {
    this.#order = this.#order.filter((seq) => this.get(seq));
    this.#first = 0;
  }

  remove(job: Job): void {
    job.worker = undefined;
    this.#slots[job.seq & this.#mask] = undefined;
    if (--this.#length === 0) this.hadAside = false;
    this.#bytes -= job.size;
    this.aborting.remove(job);
    if (this.asides.size > 0) this.asides.delete(job);
  }

  /** Takes a job back; `false` if it has started. */
  takeBack(job: Job): boolean {
    if (!this.#board.takeBack(job.seq)) return false;
    this.remove(job);
    return true;
  }

  /** Returns the job with this sequence number, or with its lower 32 bits. */
  get(seq: number): Job | undefined {
    const job = this.#slots[seq & this.#mask];
    return job && (job.seq | 0) === (seq | 0) ? job : undefined;
  }

  /** Returns the first job. */
  peek(): Job | undefined {
    if (this.#length === 0) return undefined;
    for (;; this.#first++) {
      const job = this.get(this.#order[this.#first]);
      if (job) return job;
    }
  }

  /** Returns all jobs, in order. */
  all(): Job[] {
    this.#tidy();
    return this.#order.map((seq) => this.get(seq)!);
  }

  /** Whether a job has not started. */
  isUnstarted({ seq }: Job): boolean {
    const state = this.#board.state(seq);
    return state === State.SENT || state === State.WRITTEN;
  }

  /** Whether a job can be taken back, as far as main knows. */
  canTakeBack({ seq }: Job): boolean {
    return this.#board.state(seq) === State.SENT;
  }

  isRunning({ seq }: Job): boolean {
    return this.#board.state(seq) === State.CLAIMED;
  }

  /** Whether a job has ended, and the message with its result is on its way. */
  #isPosted({ seq }: Job): boolean {
    return this.#board.state(seq) === State.POSTED;
  }

  /**
   * Returns the start of the job's timeout: the start of the job, or its end if
   * it has posted a result, so that the result has the same time to arrive.
   */
  #timeSince(job: Job): number | undefined {
    if (this.isRunning(job)) return this.#board.start(job.seq);
    return this.#isPosted(job) ? this.#board.end(job.seq) : undefined;
  }

  /** Returns the first job that has not started. */
  firstUnstarted(): Job | undefined {
    return this.#find((job) => this.isUnstarted(job));
  }

  /** Returns the first job that can be taken back. */
  firstToTakeBack(): Job | undefined {
    return this.#find((job) => this.canTakeBack(job));
  }

  #find(test: (job: Job) => boolean): Job | undefined {
    const { length } = this.#order;
    for (let i = this.#first; i < length; i++) {
      const job = this.get(this.#order[i]);
      if (job && test(job)) return job;
    }
    return undefined;
  }

  /** Whether any job before this job runs, or its result is on its way. */
  hasActiveBefore(job: Job): boolean {
    for (let i = this.#first; this.#order[i] !== job.seq; i++) {
      const before = this.get(this.#order[i]);
      if (before && (this.isRunning(before) || this.#isPosted(before))) {
        return true;
      }
    }
    return false;
  }

  /** Counts the jobs that have not started, and the jobs that are running. */
  count(): { sent: number; running: number } {
    let sent = 0;
    let running = 0;
    for (const job of this.all()) {
      if (this.isUnstarted(job)) sent++;
      else if (this.isRunning(job)) running++;
    }
    return { sent, running };
  }

  /** Returns the running jobs, in order. */
  running(): Job[] {
    const running: Job[] = [];
    for (let i = this.#first; i < this.#order.length; i++) {
      const job = this.get(this.#order[i]);
      if (job === undefined) continue;
      // Later jobs have not started either.
      if (this.isUnstarted(job)) break;
      if (this.isRunning(job)) running.push(job);
    }
    return running;
  }

  /** Returns the total time in ms for which the running jobs have run. */
  timeRunning(now: number): number {
    let time = 0;
    for (const job of this.running()) {
      time += Math.max(0, now - this.#board.start(job.seq));
    }
    return time;
  }

  /** Whether any result is on its way. */
  get hasPostedEnding(): boolean {
    return this.all().some((job) => this.#isPosted(job));
  }

  /**
   * Finds the jobs that have run longer than their timeout.
   *
   * @param late Delay of this check in ms
   * @returns These jobs, and the time in ms until another job can time out
   */
  findOverdue(now: number, late: number): { overdue: Job[]; next: number } {
    const overdue: Job[] = [];
    let next = Infinity;
    for (const job of this.all()) {
      if (job.timeout === Infinity || job.settled) continue;
      const since = this.#timeSince(job);
      const left = since === undefined
        ? job.timeout
        : since + job.timeout - now;
      if (left > 0) next = Math.min(next, left);
      else {
        const wait = this.#mayBeHere(job, now, late);
        if (wait > 0) next = Math.min(next, wait);
        else overdue.push(job);
      }
    }
    return { overdue, next };
  }

  /**
   * Returns the time in ms for which the result of an overdue job may still be unread
   * because this thread was busy. A posted result comes after earlier messages; a
   * result in a pipe can take about as long as this thread did not read.
   */
  #mayBeHere(job: Job, now: number, late: number): number {
    const extras = job.extras!;
    if (this.#isPosted(job)) {
      if (extras.overdueAt !== this.messages) extras.overdueLooks = 0;
      extras.overdueAt = this.messages;
      return ++extras.overdueLooks! > LOOKS ? 0 : TURN;
    }
    if (!this.#isRemote) return 0;
    extras.overdueUntil ??= now + timeToRead(late, TURN);
    return extras.overdueUntil - now;
  }

  /**
   * Returns the jobs that have started since the last call, in order. Jobs that
   * have ended meanwhile are announced with their end.
   */
  takeUnannounced(): Job[] {
    const started: Job[] = [];
    let seq = Math.max(this.#firstUnannounced, this.peek()?.seq ?? this.#end);
    for (; seq < this.#end; seq++) {
      const job = this.get(seq);
      if (job === undefined) continue;
      if (this.isUnstarted(job)) break;
      started.push(job);
    }
    this.#firstUnannounced = seq;
    return started;
  }

  /** Whether the start of a job that has ended was not announced. */
  isUnannounced({ seq }: Job): boolean {
    return seq >= this.#firstUnannounced;
  }
}
