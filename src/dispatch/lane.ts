// One worker and the jobs in flight to it, in the order in which they start.

import { Board, slotsFor, State, WAKE } from "../wire/board.ts";
import { packError, unpackError } from "../values/error_codec.ts";
import { JobCloneError } from "../errors.ts";
import { Link } from "../flow/link.ts";
import { FlowRing } from "../flow/ring.ts";
import { type FunctionTable, KnownFunctions } from "../job/functions.ts";
import { InFlight } from "./in_flight.ts";
import { type Flight, isLarge, type Job, sizeOf } from "../job/job.ts";
import { type JobList, JobListWriter } from "../wire/job_list.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { MovedList } from "../moving/kind.ts";
import type { Ending, FromWorker } from "../wire/protocol.ts";
import type { JobRun } from "../job/settlement.ts";
import { openThread } from "./open_thread.ts";
import type { Processes } from "../process/processes.ts";
import type { OpenThread, ThreadSettings } from "../threads/thread.ts";
import type { Life } from "../threads/life.ts";
import { WorkerThread } from "../threads/worker_thread.ts";

/** What a lane needs to know. */
export interface LaneSettings extends Omit<ThreadSettings, "isCaller"> {
  concurrency: number;
  maxJobsPerWorker: number;
  maxHeapPerWorker: number;
  /** Starts processes, where each worker is one. */
  processes: Processes | undefined;
}

/** How a job has ended, once that has been read. */
export type Outcome =
  | Exclude<Ending, { kind: "error" }>
  | { kind: "error"; error: unknown };

/** What a lane tells of its worker and its jobs. */
export interface LaneEvents {
  ready(lane: Lane): void;
  /** The worker has finished something: it is time to collect. */
  progress(lane: Lane): void;
  /** The worker has been told something that moves, to which it may have an answer. */
  flowed(): void;
  /** A job has ended with a plain value. */
  value(
    lane: Lane,
    job: Job,
    value: unknown,
    start: number,
    end: number,
  ): void;
  /** A job has ended in any other way; its result may hold streams that are open. */
  ended(
    lane: Lane,
    job: Job,
    outcome: Outcome,
    start: number,
    end: number,
    streams: Arrivals | undefined,
  ): void;
  /** A job in its worker has posted something. */
  forged(lane: Lane): void;
  died(lane: Lane, cause: unknown): void;
}

/** What is left of a lane. */
export interface Remains {
  unstarted: Job[];
  started: Job[];
  /** The life of its thread, if that can be seen. */
  life: Life | undefined;
  /** Whether the thread is known to hear nothing. */
  isDeaf: boolean;
}

/** The next turn of the event loop, in ms. */
const NEXT_TURN = 1;

/** A worker hears within so many ms that a job is to end, unless it is in a loop. */
const DEAF_AFTER = 20;
/** So many bytes may be sent ahead; more only if the worker has read all that it was sent. */
const BYTES_AHEAD = 2 ** 20;
/** To read a message may take so many times as long as to send it. */
const READING = 20;

/** A worker with the list of what it has been sent. */
export class Lane implements Flight {
  readonly workerId: number;
  readonly #board: Board;
  readonly #thread: WorkerThread;
  readonly #functions: KnownFunctions;
  readonly #events: LaneEvents;
  /** Above 1, jobs may end in another order than they start. */
  readonly #concurrency: number;
  readonly #inFlight: InFlight;
  /** The job that was first to start when its worker was last asked whether it is stuck. */
  #lastWaiting: Job | undefined;
  readonly #link: Link;
  /** The jobs that were told to end, and have not. */
  readonly #told = new Set<Job>();
  /** How often its worker has been told that a job is to end. */
  #tellings = 0;
  /** When that was last so. */
  #toldAt = 0;
  /** How many more jobs its worker may be given. */
  #jobsLeft: number;
  /** Whether its heap has grown too large. */
  #isGrown = false;
  /** Whether what its worker has written could not be read. */
  #isBroken = false;
  /** Whether any job has ended in its worker. */
  hasWorked = false;
  /** Whether what it has ended may be on its way, and not to be seen yet. */
  readonly #isRemote: boolean;
  /** The jobs that were found overdue once, in such a lane. */
  readonly #overdue = new WeakSet<Job>();
  /** Since when its worker has been sent jobs, though maybe not left them, and executes none. */
  #silentSince: number | undefined;
  /** How many bytes of arguments are in flight. */
  #bytes = 0;
  /** Until when its worker may be reading what it was sent. */
  #readingUntil = 0;
  /** The sequence number from which on starts have not been told. */
  #firstUntold = 0;
  /** The job that does not end though it was told to, in a thread that cannot be stopped. */
  #abandoned: number | undefined;

  constructor(
    workerId: number,
    settings: LaneSettings,
    functions: FunctionTable,
    events: LaneEvents,
    isCaller = false,
  ) {
    const { name, module, concurrency, memoryLimit } = settings;
    this.workerId = workerId;
    this.#functions = new KnownFunctions(functions);
    this.#events = events;
    // The thread comes first: it starts while the rest is made.
    const { processes } = settings;
    const open: OpenThread = (settings, events) => {
      return openThread(settings, events, processes);
    };
    this.#thread = new WorkerThread(open, {
      ...settings,
      name: `${name}-${workerId}`,
      isCaller,
    }, {
      ready: () => events.ready(this),
      message: (message) => this.#receive(message),
      forged: () => events.forged(this),
      died: (cause) => events.died(this, cause),
    });
    this.#concurrency = concurrency;
    this.#jobsLeft = settings.maxJobsPerWorker;
    const slots = slotsFor(concurrency);
    this.#inFlight = new InFlight(slots);
    this.#board = new Board(slots);
    this.#isRemote = settings.processes !== undefined;
    const rings = settings.processes
      ? undefined
      : { input: new FlowRing(), output: new FlowRing() };
    this.#link = new Link(
      (flow, moves) => {
        const message = flow ? { kind: "flow", events: flow } as const : WAKE;
        this.#thread.post(message, moves);
        events.flowed();
      },
      true,
      rings,
    );
    this.#link.onEnded = (seq) => this.#settleEnded(seq);
    this.#thread.init({
      kind: "init",
      workerId,
      slots,
      board: this.#board.buffer,
      rings: rings &&
        { input: rings.output.buffer, output: rings.input.buffer },
      module,
      concurrency,
      maxHeap: settings.maxHeapPerWorker,
      // One that can be killed needs no guard, which would take an end for lack
      // of memory for its own.
      guards: !settings.hardKill,
      hardKill: settings.hardKill,
      memoryLimit,
      timeOrigin: performance.timeOrigin,
    });
  }

  get isReady(): boolean {
    return this.#thread.isReady;
  }

  /** How many jobs it has been sent that are not known to have ended. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** How many jobs wait before its worker, as far as is known. */
  get waiting(): number {
    const { length } = this.#inFlight;
    if (this.#concurrency > 1 && this.isReady) return this.snapshot().sent;
    return this.isReady ? Math.max(0, length - 1) : length;
  }

  /** Whether something may be in shared memory of which its worker has not told. */
  get mayHaveMore(): boolean {
    // With several jobs at once, their ends are told there, too.
    if (!this.#link.isUsed && this.#concurrency === 1) return false;
    const first = this.#inFlight.peek();
    return this.#link.isOtherInTurn ||
      // It may start any moment.
      first !== undefined && this.#board.state(first.seq) === State.SENT;
  }

  /** Whether its worker has been at one job for more than so many ms, and does nothing else. */
  isHeldUp(ms: number): boolean {
    const job = this.#inFlight.peek();
    return job !== undefined && this.#concurrency === 1 &&
      this.#board.state(job.seq) === State.CLAIMED &&
      performance.now() - this.#board.start(job.seq) > ms;
  }

  /** Whether it may be sent a job now: of large arguments, two are on their way at most. */
  takes(job: Job): boolean {
    const bytes = sizeOf(job);
    if (bytes === 0 || this.#bytes + bytes <= BYTES_AHEAD) return true;
    return this.inFlight < 2 || this.firstUnstarted() === undefined;
  }

  /** Until when, on main's clock, its worker may be reading what it was sent. */
  get readingUntil(): number {
    return this.#readingUntil;
  }

  /** Its worker keeps the process from ending, or no longer. */
  keepProcess(keeps: boolean): void {
    this.#thread.keepProcess(keeps);
  }

  /** How many more jobs it may be sent. */
  get room(): number {
    return this.#isGrown ? 0 : Math.min(this.#inFlight.room, this.#jobsLeft);
  }

  /** Whether its worker is to be given no more jobs. */
  get isSpent(): boolean {
    return this.#isGrown || this.#jobsLeft === 0;
  }

  /** Whether its heap has grown too large. */
  get isGrown(): boolean {
    return this.#isGrown;
  }

  /** Whether nothing is left to do for it. */
  get isDone(): boolean {
    return this.#inFlight.length === 0 && !this.#link.isUsed;
  }

  /** How many jobs have been sent and not started, and started and not ended, as of now. */
  snapshot(): { sent: number; running: number } {
    let sent = 0;
    let running = 0;
    for (const job of this.#inFlight.all()) {
      const state = this.#board.state(job.seq);
      if (state === State.SENT) sent++;
      else if (state === State.CLAIMED) running++;
    }
    return { sent, running };
  }

  /**
   * Sends jobs in one message, which all but a single one must allow to share,
   * and all of which have departures, or none.
   *
   * @returns How many ms the first to time out may execute, and how many it took to send them
   * @throws {JobCloneError} If they cannot be cloned; they are not in flight then
   */
  send(jobs: Job[]): { shortestTimeout: number; spent: number } {
    this.#tellFunctions(jobs);
    const { departures, moves, lent } = jobs[0].extras ?? {};
    const start = performance.now();
    // To a process all is copied anyway.
    const loan = this.#isRemote ? undefined : lent?.lend();
    const writer = new JobListWriter();
    for (const job of jobs) {
      this.#add(job);
      writer.write(job);
    }
    const { list, shortestTimeout } = writer;
    const moving = loan === undefined ? moves : [...loan.moves, ...moves ?? []];
    let spent = 0;
    try {
      if (departures === undefined) this.#thread.post(list, moving);
      else this.#sendMoving(jobs, list, moving);
      const end = performance.now();
      spent = end - start;
      this.#readingUntil = Math.max(this.#readingUntil, end) + READING * spent;
    } catch (cause) {
      for (const job of jobs) this.takeBack(job);
      throw new JobCloneError(
        `The arguments cannot be cloned: ${(cause as Error).message}`,
        { cause },
      );
    } finally {
      if (loan) lent!.restore(loan.copies);
    }
    return { shortestTimeout, spent };
  }

  #sendMoving(
    jobs: Job[],
    list: JobList,
    moves: Transferable[] | undefined,
  ): void {
    const moved = jobs.map((job) => job.extras!.departures!.send(this.#link));
    this.#thread.post({ kind: "moving-jobs", jobs: list, moved }, moves);
    this.#link.woken();
    this.#events.flowed();
  }

  #tellFunctions(jobs: Job[]): void {
    const news = this.#functions.newsFor(jobs);
    if (news) this.#thread.post(news);
  }

  #add(job: Job): void {
    job.flight = this;
    this.#jobsLeft--;
    this.#inFlight.add(job);
    this.#bytes += sizeOf(job);
    this.#board.send(job.seq);
  }

  #remove(job: Job): void {
    job.flight = undefined;
    this.#inFlight.remove(job);
    this.#bytes -= sizeOf(job);
    if (this.#told.size > 0) this.#told.delete(job);
  }

  takeBack(job: Job): boolean {
    if (!this.#board.takeBack(job.seq)) return false;
    this.#remove(job);
    this.#jobsLeft++;
    job.extras?.departures?.takeBack();
    return true;
  }

  /** The first job that waits behind another one that its worker executes. */
  #firstWaiting(): Job | undefined {
    let isBusy = false;
    for (const job of this.#inFlight.all()) {
      const state = this.#board.state(job.seq);
      if (state === State.CLAIMED) isBusy = true;
      else if (state === State.SENT) return isBusy ? job : undefined;
    }
    return undefined;
  }

  /** Whether jobs wait before its worker, and the first is the same as when this was last asked. */
  isStuck(): boolean {
    const waiting = this.#firstWaiting();
    const isSame = waiting !== undefined && waiting === this.#lastWaiting;
    this.#lastWaiting = waiting;
    return isSame;
  }

  /** Takes back, in order, the jobs that have not started and may go elsewhere. */
  takeBackAll(): Job[] {
    return this.#takeBackIf(() => true);
  }

  /**
   * The same for those that another worker may be quicker to start: to send large
   * arguments again is worth it once, and only for a worker that idles.
   */
  takeBackWaiting(isOtherIdle: boolean): Job[] {
    return this.#takeBackIf((job) => {
      if (!isLarge(job)) return true;
      if (!isOtherIdle || job.extras!.wasTakenBack) return false;
      return job.extras!.wasTakenBack = true;
    });
  }

  #takeBackIf(mayLeave: (job: Job) => boolean): Job[] {
    const jobs: Job[] = [];
    for (const job of this.#inFlight.all()) {
      if (job.oneAttempt || this.#board.state(job.seq) !== State.SENT) continue;
      if (mayLeave(job) && this.takeBack(job)) jobs.push(job);
    }
    return jobs;
  }

  /** The job of this sequence number, while it is in flight. */
  job(seq: number): Job | undefined {
    return this.#inFlight.get(seq);
  }

  hasStarted({ seq }: Job): boolean {
    return this.#board.state(seq) !== State.SENT;
  }

  /** Where a job that has started runs, and for how long so far. */
  runOf({ seq }: Job): JobRun {
    const { workerId } = this;
    return { workerId, start: this.#board.start(seq), end: performance.now() };
  }

  /** The first job that has been sent, and has not started. */
  firstUnstarted(): Job | undefined {
    return this.#inFlight.find(({ seq }) => {
      return this.#board.state(seq) === State.SENT;
    });
  }

  /** For how many ms its worker, though it has been sent jobs, has executed none. */
  silence(now: number): number {
    const first = this.#inFlight.peek();
    if (first && this.isReady) {
      if (this.#board.state(first.seq) === State.SENT) {
        this.#silentSince ??= Math.max(now, this.#readingUntil);
      } else this.#silentSince = undefined;
    }
    return Math.max(0, now - (this.#silentSince ?? now));
  }

  /**
   * Finds the jobs that have executed for longer than they may.
   *
   * @returns When, in ms from now, that may be so of the next one
   */
  findOverdue(now: number, found: (job: Job) => void): number {
    let next = Infinity;
    for (const job of this.#inFlight.all()) {
      if (job.timeout === Infinity || job.settled) continue;
      const state = this.#board.state(job.seq);
      const left = state === State.CLAIMED
        ? this.#board.start(job.seq) + job.timeout - now
        // It may start now; or it has ended, and a message says how.
        : job.timeout;
      if (left > 0) next = Math.min(next, left);
      else if (this.#isRemote && !this.#overdue.has(job)) {
        // If this thread was held up, its result may be here by the next turn.
        this.#overdue.add(job);
        next = Math.min(next, NEXT_TURN);
      } else found(job);
    }
    return next;
  }

  /**
   * Gives the jobs that have started since this was last asked, in order; those that
   * have ended meanwhile are told of with their end.
   */
  startsToTell(): Job[] {
    const started: Job[] = [];
    const { end } = this.#inFlight;
    let seq = Math.max(this.#firstUntold, this.#inFlight.peek()?.seq ?? end);
    for (; seq < end; seq++) {
      const job = this.#inFlight.get(seq);
      if (job === undefined) continue;
      if (this.#board.state(seq) === State.SENT) break;
      started.push(job);
    }
    this.#firstUntold = seq;
    return started;
  }

  /** Whether the start of a job that has ended has not been told. */
  isUntold({ seq }: Job): boolean {
    return seq >= this.#firstUntold;
  }

  /** Whether a job may start any moment, of which its worker does not tell. */
  get mayStart(): boolean {
    const { sent, running } = this.snapshot();
    return sent > 0 && running < this.#concurrency;
  }

  /**
   * Leaves its worker alone with a job that does not end though it was told to,
   * until it does: the thread cannot be stopped.
   */
  abandon(job: Job): void {
    this.#abandoned = job.seq;
    this.#remove(job);
  }

  /** What the worker does that was left alone, if it was. */
  get abandoned(): "loops" | "hears" | "is back" | undefined {
    if (this.#abandoned === undefined) return undefined;
    if (this.#board.state(this.#abandoned) !== State.CLAIMED) return "is back";
    return this.#hasHeard ? "hears" : "loops";
  }

  /** The worker has ended the job with which it was left alone. */
  welcome(): void {
    this.#abandoned = undefined;
  }

  /** Whether its worker has heard all that it was told of jobs that are to end. */
  get #hasHeard(): boolean {
    return this.#tellings <= this.#board.heard;
  }

  /** Whether its worker does not even hear that a job is to end, and so is in a loop. */
  get isDeaf(): boolean {
    return !this.#hasHeard &&
      performance.now() - this.#toldAt >= DEAF_AFTER;
  }

  /** Whether a job has ended, and the message that says how is on its way. */
  get isEnding(): boolean {
    return this.#inFlight.all().some(({ seq }) => {
      return this.#board.state(seq) === State.POSTED;
    });
  }

  /** Whether a job that was told to end still occupies its worker. */
  get isOverrun(): boolean {
    return this.#told.size > 0;
  }

  abort(job: Job, reason: unknown): void {
    this.#told.add(job);
    this.#tellings++;
    this.#toldAt = performance.now();
    const { seq } = job;
    this.#thread.post({ kind: "abort", seq, reason: packError(reason) });
  }

  #receive(message: FromWorker): void {
    this.#trust(() => this.#take(message));
  }

  /** Reads what comes from the worker, where a job may have destroyed anything. */
  #trust(read: () => void): void {
    if (this.#isBroken) return;
    try {
      read();
    } catch (cause) {
      this.#isBroken = true;
      this.#events.died(
        this,
        new Error("What the worker has written cannot be read", { cause }),
      );
    }
  }

  #take(message: FromWorker): void {
    this.#silentSince = undefined;
    if (message === WAKE) return this.#look();
    if (Array.isArray(message)) {
      for (let i = 0; i < message.length; i += 2) {
        const [seq, value] = [message[i] as number, message[i + 1]];
        this.#settlePosted(seq, { kind: "value", value });
      }
      return this.#look();
    }
    switch (message.kind) {
      case "ended":
        // What the job wrote before it ended comes first.
        this.#link.read();
        this.#settlePosted(message.seq, message.ending);
        return this.#look();
      case "flow":
        this.#link.receive(message.events);
        return this.#look();
      case "grown":
        this.#isGrown = true;
        return this.#look();
    }
  }

  #look(): void {
    this.#board.awake();
    this.#events.progress(this);
  }

  #settlePosted(seq: number, ending: Ending): void {
    const job = this.#inFlight.get(seq);
    if (job === undefined) return;
    // What cannot be read leaves the job in flight: it is lost with its worker.
    let outcome: Outcome = ending.kind === "error"
      ? { kind: "error", error: unpackError(ending.error) }
      : ending;
    this.#remove(job);
    this.hasWorked = true;
    let streams: Arrivals | undefined;
    if (ending.kind === "value" && ending.moved) {
      streams = new Arrivals();
      outcome = this.#revive(ending.value, ending.moved, streams);
    }
    if (ending.kind === "value" && ending.isLarge) {
      this.#board.hasRead();
      // It may wait for that with its next job.
      if (this.inFlight > 0) this.#thread.post(WAKE);
    }
    const [start, end] = [this.#board.start(seq), this.#board.end(seq)];
    this.#events.ended(this, job, outcome, start, end, streams);
  }

  /** Puts what has moved into a result. */
  #revive(value: unknown, moved: MovedList, streams: Arrivals): Outcome {
    try {
      return { kind: "value", value: streams.revive(value, moved, this.#link) };
    } catch (error) {
      streams.end();
      const message = `The result cannot be received: ${
        (error as Error).message
      }`;
      return { kind: "not-cloneable", message };
    }
  }

  /** Takes the results that the worker has left in shared memory. */
  collect(): void {
    this.#trust(() => this.#collect());
  }

  #collect(): void {
    this.#link.read();
    // It has told of each that has ended.
    if (this.#concurrency > 1) return;
    for (let job = this.#inFlight.peek(); job; job = this.#inFlight.peek()) {
      if (!this.#settleOnBoard(job, this.#inFlight.end)) break;
    }
  }

  #settleEnded(seq: number): void {
    const job = this.#inFlight.get(seq);
    if (job) this.#settleOnBoard(job, seq + 1);
  }

  /** Takes a job's result from the board; `false` if it is not there. */
  #settleOnBoard(job: Job, end: number): boolean {
    const { seq } = job;
    const board = this.#board;
    const state = board.state(seq);
    if (state <= State.POSTED) return false;
    const value = board.result(seq, state, end);
    // Who hears of a result may give new jobs, and so come here again.
    this.#remove(job);
    this.hasWorked = true;
    this.#silentSince = undefined;
    this.#events.value(this, job, value, board.start(seq), board.end(seq));
    return true;
  }

  /** Ends the worker and gives what was in flight, in order. */
  stop(cause: unknown): Remains {
    const { isDeaf } = this;
    const life = this.#thread.stop();
    this.collect();
    const unstarted = [];
    const started = [];
    for (const job of this.#inFlight.all()) {
      // Who hears of one that has ended may have taken out others.
      if (job.flight !== this) continue;
      if (this.takeBack(job)) {
        unstarted.push(job);
        continue;
      }
      this.#trust(() => this.#settleOnBoard(job, job.seq + 1));
      // It has not ended, or in a way that is lost.
      if (job.flight !== this) continue;
      this.#remove(job);
      started.push(job);
    }
    this.#link.fail(cause);
    return { unstarted, started, life, isDeaf };
  }
}
