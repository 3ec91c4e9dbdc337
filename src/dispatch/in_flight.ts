// The jobs in flight to one worker, in the order in which they start, with what
// the board says of them. Each has a slot of the board until it has ended.

import { type Board, State } from "../wire/board.ts";
import type { Job, JobWorker } from "../job/job.ts";
import { AbortingJobs } from "./aborting_jobs.ts";

/** How often the slots are used before the numbers of the past are dropped. */
const ROUNDS = 4;

/** A turn of the event loop, in ms. */
const TURN = 1;
/**
 * How often main finds no message of a worker before it believes that there is none: two
 * looks may follow each other, where this thread had to wait for its core, before any
 * message is read.
 */
const LOOKS = 3;
/** The most ms for which what may be in a pipe is waited for. */
const LONGEST_READING = 100;

/** For how many ms what may be in a pipe is waited for, after this thread was busy. */
export function timeToRead(late: number, least: number): number {
  return Math.min(Math.max(least, late), LONGEST_READING);
}

/** A list that costs its jobs no pointer: they come and go by the million. */
export class InFlight {
  /** Those that were told to end. */
  readonly aborting: AbortingJobs;
  /** Those that run beside the others, which wait for them: see `Feeder.sendAside()`. */
  readonly asides = new Set<Job>();
  /** Whether any has run so since there was no job here. */
  hadAside = false;
  /** How many messages have come from the worker. */
  messages = 0;
  readonly #board: Board;
  readonly #slots: (Job | undefined)[];
  readonly #mask: number;
  readonly #isRemote: boolean;
  #end = 0;
  /** The sequence numbers of the jobs, in order, among those of the past. */
  #order: number[] = [];
  #first = 0;
  #length = 0;
  #bytes = 0;
  /** From this sequence number on, no start was announced. */
  #firstUnannounced = 0;

  /**
   * @param slots How many jobs there may be: a power of two
   * @param isRemote Whether what the worker says is on its way for a while
   */
  constructor(board: Board, slots: number, isRemote: boolean) {
    this.#isRemote = isRemote;
    this.#board = board;
    this.aborting = new AbortingJobs(() => board.heard);
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** How many more there may be. */
  get room(): number {
    return this.#slots.length - this.#length;
  }

  /** What is above the sequence numbers of all of them. */
  get end(): number {
    return this.#end;
  }

  /** About how many bytes their arguments take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a job, numbers it, and says on the board that it is on its way. */
  add(job: Job, worker: JobWorker, isAside = false): void {
    // Where jobs are concurrent, a slot may still be in use when it is its turn.
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

  /** The job of a sequence number, or of its lower 32 bits. */
  get(seq: number): Job | undefined {
    const job = this.#slots[seq & this.#mask];
    return job && (job.seq | 0) === (seq | 0) ? job : undefined;
  }

  /** The first job. */
  peek(): Job | undefined {
    if (this.#length === 0) return undefined;
    for (;; this.#first++) {
      const job = this.get(this.#order[this.#first]);
      if (job) return job;
    }
  }

  /** All jobs, in order. */
  all(): Job[] {
    this.#tidy();
    return this.#order.map((seq) => this.get(seq)!);
  }

  /** Whether it has not started. */
  isUnstarted({ seq }: Job): boolean {
    const state = this.#board.state(seq);
    return state === State.SENT || state === State.WRITTEN;
  }

  /** Whether it can be taken back, as far as is known. */
  canTakeBack({ seq }: Job): boolean {
    return this.#board.state(seq) === State.SENT;
  }

  isRunning({ seq }: Job): boolean {
    return this.#board.state(seq) === State.CLAIMED;
  }

  /** Whether it has ended, and the message that says how is on its way. */
  #isPosted({ seq }: Job): boolean {
    return this.#board.state(seq) === State.POSTED;
  }

  /**
   * When the job's timeout began: at its start, or, once it has posted a result, at its
   * end, so that the result has as long to arrive.
   */
  #timeSince(job: Job): number | undefined {
    if (this.isRunning(job)) return this.#board.start(job.seq);
    return this.#isPosted(job) ? this.#board.end(job.seq) : undefined;
  }

  /** The first job that has not started. */
  firstUnstarted(): Job | undefined {
    return this.#find((job) => this.isUnstarted(job));
  }

  /** The first job that can be taken back. */
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

  /** Whether one that comes before a job runs, or what it gives is on its way. */
  hasActiveBefore(job: Job): boolean {
    for (let i = this.#first; this.#order[i] !== job.seq; i++) {
      const before = this.get(this.#order[i]);
      if (before && (this.isRunning(before) || this.#isPosted(before))) {
        return true;
      }
    }
    return false;
  }

  /** How many jobs have been sent and not started, and started and not ended, as of now. */
  count(): { sent: number; running: number } {
    let sent = 0;
    let running = 0;
    for (const job of this.all()) {
      if (this.isUnstarted(job)) sent++;
      else if (this.isRunning(job)) running++;
    }
    return { sent, running };
  }

  /** Those that have started and not ended, in order. */
  running(): Job[] {
    const running: Job[] = [];
    for (let i = this.#first; i < this.#order.length; i++) {
      const job = this.get(this.#order[i]);
      if (job === undefined) continue;
      // What comes after it has not started either.
      if (this.isUnstarted(job)) break;
      if (this.isRunning(job)) running.push(job);
    }
    return running;
  }

  /** For how many ms the jobs have run that are running. */
  timeRunning(now: number): number {
    let time = 0;
    for (const job of this.running()) {
      time += Math.max(0, now - this.#board.start(job.seq));
    }
    return time;
  }

  /** Whether what a job gives is on its way. */
  get hasPostedEnding(): boolean {
    return this.all().some((job) => this.#isPosted(job));
  }

  /**
   * Finds the jobs that have executed for longer than they may.
   *
   * @param late By how many ms this comes too late
   * @returns They, and in how many ms there may be another one
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
   * For how many ms the result of a job that has run for too long may be here, and unread
   * since this thread was busy: what is posted as long as others come before it, and
   * what is in a pipe about as long as nobody looked there.
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
   * Gives the jobs that have started since this was last asked, in order; those that
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
