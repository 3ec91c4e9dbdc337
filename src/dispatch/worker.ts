// One worker as main sees it: its thread, its board, its link, and the jobs in
// flight to it. What it says comes in here; jobs that have ended leave through
// `Endings`.

import { JobCloneError } from "../errors.ts";
import { type FlowEvents, Link } from "../flow/link.ts";
import { FlowRing, NO_RING } from "../flow/ring.ts";
import { type FunctionTable, KnownFunctions } from "../job/functions.ts";
import type { Job, JobRun, JobWorker } from "../job/job.ts";
import type { News } from "../job/news.ts";
import type { Outcome } from "../job/settlement.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { MovedList } from "../moving/moved.ts";
import type { Life } from "../threads/life.ts";
import type { OpenThread, ThreadSettings } from "../threads/thread.ts";
import { WorkerThread } from "../threads/worker_thread.ts";
import { packError, unpackError } from "../values/error_codec.ts";
import { Board, slotsFor, State, WAKE } from "../wire/board.ts";
import { JobListWriter } from "../wire/job_list.ts";
import type { Ending, FromWorker } from "../wire/protocol.ts";
import type { Endings } from "./endings.ts";
import { InFlight } from "./in_flight.ts";
import { Stall } from "./stall.ts";
import { ToldJobs } from "./told_jobs.ts";
import type { WorkerState } from "./worker_state.ts";

/** What all workers of a pool have in common. */
export interface WorkerSettings extends Omit<ThreadSettings, "isCaller"> {
  concurrency: number;
  maxJobsPerWorker: number;
  maxHeapPerWorker: number;
}

/** What a worker needs of those around it. */
export interface WorkerParts {
  /** Starts its thread. */
  open: OpenThread;
  /** Whether that shares no memory with main, so that what it says is on its way for a while. */
  isRemote: boolean;
  functions: FunctionTable;
  endings: Endings;
  news: News;
}

/** What a worker tells of itself. */
export interface WorkerEvents {
  ready(worker: PoolWorker): void;
  /** It has said something: jobs may have ended. */
  heard(worker: PoolWorker): void;
  /** It was told something to which the answer may come without a word. */
  told(): void;
  died(worker: PoolWorker, cause: unknown): void;
}

/** What is left of a worker. */
export interface Remains {
  unstarted: Job[];
  started: Job[];
  /** The life of its thread, if that can be seen. */
  life: Life | undefined;
}

const FORGED = "A job has posted a message of its own, which was dropped";

/** So many bytes may be sent ahead; more only if the worker has read all that it was sent. */
const BYTES_AHEAD = 2 ** 20;
/** To read a message may take so many times as long as to send it. */
const READING = 20;
/** The next turn of the event loop, in ms. */
const NEXT_TURN = 1;

/** A worker with the list of what it has been sent. */
export class PoolWorker implements JobWorker {
  readonly id: number;
  /** Changed by `Workers` only. */
  state: WorkerState = "starting";
  readonly jobs: InFlight;
  /** Those that were told to end. */
  readonly told: ToldJobs;
  readonly stall: Stall;
  /** Whether its heap has grown too large. */
  isGrown = false;
  /** Whether any job has ended in it. */
  hasWorked = false;
  /** Until when, on main's clock, it may be reading what it was sent. */
  readingUntil = 0;
  readonly #board: Board;
  readonly #thread: WorkerThread;
  readonly #link: Link;
  readonly #functions: KnownFunctions;
  readonly #endings: Endings;
  readonly #events: WorkerEvents;
  readonly #isRemote: boolean;
  /** Above 1, jobs may end in another order than they start. */
  readonly #concurrency: number;
  /** How many more jobs it may be given. */
  #jobsLeft: number;
  /** Whether what it has written could not be read. */
  #isBroken = false;
  /** The job that it was left alone with. */
  #lostTo: number | undefined;

  constructor(
    id: number,
    settings: WorkerSettings & { isCaller: boolean },
    parts: WorkerParts,
    events: WorkerEvents,
  ) {
    const { name, concurrency, hardKill, memoryLimit } = settings;
    this.id = id;
    this.#endings = parts.endings;
    this.#events = events;
    this.#isRemote = parts.isRemote;
    this.#concurrency = concurrency;
    this.#jobsLeft = settings.maxJobsPerWorker;
    // The thread comes first: it starts while the rest is made.
    this.#thread = new WorkerThread(parts.open, {
      ...settings,
      name: `${name}-${id}`,
    }, {
      ready: () => events.ready(this),
      message: (message) => this.#trust(() => this.#receive(message)),
      forged: () =>
        parts.news.tell("workererror", {
          workerId: id,
          error: new Error(FORGED),
        }),
      died: (cause) => events.died(this, cause),
    });
    const slots = slotsFor(concurrency);
    const board = this.#board = new Board(slots);
    this.jobs = new InFlight(board, slots);
    this.told = new ToldJobs(() => board.heard);
    this.stall = new Stall(this.jobs);
    this.#functions = new KnownFunctions(parts.functions);
    const rings = parts.isRemote
      ? undefined
      : { input: new FlowRing(), output: new FlowRing() };
    this.#link = new Link(
      (flow, moves) => this.#postFlow(flow, moves),
      true,
      rings ?? { input: NO_RING, output: NO_RING },
    );
    this.#link.onEnded = (seq) => this.#settleOnBoard(this.jobs.get(seq));
    this.#thread.init({
      kind: "init",
      workerId: id,
      slots,
      board: board.buffer,
      rings: rings &&
        { input: rings.output.buffer, output: rings.input.buffer },
      module: settings.module,
      concurrency,
      maxHeap: settings.maxHeapPerWorker,
      // One that can be killed needs no guard, which would take an end for lack
      // of memory for its own.
      guards: !hardKill,
      hardKill,
      memoryLimit,
      timeOrigin: performance.timeOrigin,
    });
  }

  /** Whether it has imported the module. */
  get isReady(): boolean {
    return this.#thread.isReady;
  }

  /** It keeps the process from ending, or no longer. */
  keepProcess(keeps: boolean): void {
    this.#thread.keepProcess(keeps);
  }

  /** How many jobs wait before it, as far as is known. */
  get waiting(): number {
    const { length } = this.jobs;
    if (!this.isReady) return length;
    return this.#concurrency > 1
      ? this.jobs.count().sent
      : Math.max(0, length - 1);
  }

  /** Whether something may be in shared memory that it has not told of. */
  get mayHaveMore(): boolean {
    // With several jobs at once, their ends are told there, too.
    if (!this.#link.isUsed && this.#concurrency === 1) return false;
    const first = this.jobs.peek();
    // The first job may start any moment.
    return this.#link.isOtherInTurn ||
      first !== undefined && this.jobs.isSent(first);
  }

  /** Whether a job may start any moment without a word. */
  get mayStart(): boolean {
    const { sent, running } = this.jobs.count();
    return sent > 0 && running < this.#concurrency;
  }

  /** Whether it has been at one job for more than so many ms, and does nothing else. */
  isHeldUp(ms: number): boolean {
    const job = this.jobs.peek();
    return job !== undefined && this.#concurrency === 1 &&
      this.jobs.isRunning(job) &&
      performance.now() - this.#board.start(job.seq) > ms;
  }

  /** Whether it may be sent a job now: of large arguments, two are on their way at most. */
  takes({ size }: Job): boolean {
    if (size === 0 || this.jobs.bytes + size <= BYTES_AHEAD) return true;
    return this.jobs.length < 2 || this.jobs.firstUnstarted() === undefined;
  }

  /** How many more jobs it may be sent. */
  get room(): number {
    return this.isGrown ? 0 : Math.min(this.jobs.room, this.#jobsLeft);
  }

  /** Whether it is to be given no more jobs. */
  get isSpent(): boolean {
    return this.isGrown || this.#jobsLeft === 0;
  }

  /** Whether nothing is left to do for it. */
  get isDone(): boolean {
    return this.jobs.length === 0 && !this.#link.isUsed;
  }

  /**
   * Sends jobs in one message, which all but a single one must allow to share.
   *
   * @returns How many ms the first to time out may execute, and how many it took to send them
   * @throws {JobCloneError} If they cannot be cloned; they are not in flight then
   */
  send(jobs: Job[]): { shortestTimeout: number; spent: number } {
    const news = this.#functions.newsFor(jobs);
    if (news) this.#thread.post(news);
    const { cargo, moves, lent } = jobs[0].extras ?? {};
    const begun = performance.now();
    // To a process all is copied anyway.
    const loan = this.#isRemote ? undefined : lent?.lend();
    const writer = new JobListWriter();
    for (const job of jobs) {
      this.jobs.add(job, this);
      writer.write(job);
    }
    this.#jobsLeft -= jobs.length;
    const { list, shortestTimeout } = writer;
    const moving = loan ? [...loan.moves, ...moves ?? []] : moves;
    try {
      if (cargo === undefined) this.#thread.post(list, moving);
      else {
        const moved = jobs.map(({ extras }) => extras!.cargo!.send(this.#link));
        this.#thread.post({ kind: "moving-jobs", jobs: list, moved }, moving);
        this.#link.woken();
        this.#events.told();
      }
    } catch (cause) {
      for (const job of jobs) this.takeBack(job);
      throw new JobCloneError(
        `The arguments cannot be cloned: ${(cause as Error).message}`,
        { cause },
      );
    } finally {
      if (loan) lent!.restore(loan.copies);
    }
    const now = performance.now();
    const spent = now - begun;
    this.readingUntil = Math.max(this.readingUntil, now) + READING * spent;
    return { shortestTimeout, spent };
  }

  #postFlow(flow?: FlowEvents, moves?: Transferable[]): void {
    this.#thread.post(flow ? { kind: "flow", events: flow } : WAKE, moves);
    this.#events.told();
  }

  /** Takes a job back; `false` if it has started. */
  takeBack(job: Job): boolean {
    if (!this.jobs.takeBack(job)) return false;
    this.told.remove(job);
    this.#jobsLeft++;
    job.extras?.cargo?.takeBack();
    return true;
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
      if (!job.isLarge) return true;
      if (!isOtherIdle || job.extras!.wasTakenBack) return false;
      return job.extras!.wasTakenBack = true;
    });
  }

  #takeBackIf(mayLeave: (job: Job) => boolean): Job[] {
    return this.jobs.all().filter((job) => {
      return !job.oneAttempt && this.jobs.isSent(job) && mayLeave(job) &&
        this.takeBack(job);
    });
  }

  /** Where a job that has started runs, and for how long so far. */
  runOf({ seq }: Job): JobRun {
    const start = this.#board.start(seq);
    return { workerId: this.id, start, end: performance.now() };
  }

  /**
   * Finds the jobs that have executed for longer than they may.
   *
   * @returns They, and in how many ms there may be another one
   */
  findOverdue(now: number): { overdue: Job[]; next: number } {
    const overdue: Job[] = [];
    let next = Infinity;
    for (const job of this.jobs.all()) {
      if (job.timeout === Infinity || job.settled) continue;
      const left = this.jobs.isRunning(job)
        ? this.#board.start(job.seq) + job.timeout - now
        // It may start now; or it has ended, and a message says how.
        : job.timeout;
      if (left > 0) next = Math.min(next, left);
      else if (this.#isRemote && !job.extras!.isOverdue) {
        // If this thread was held up, its result may be here by the next turn.
        job.extras!.isOverdue = true;
        next = Math.min(next, NEXT_TURN);
      } else overdue.push(job);
    }
    return { overdue, next };
  }

  /** Tells a job that runs to end, and gives it until then. */
  tellToEnd(job: Job, reason: unknown, due: number): void {
    this.told.add(job, due);
    const { seq } = job;
    this.#thread.post({ kind: "abort", seq, reason: packError(reason) });
  }

  /** Leaves it alone with a job that does not end though it was told to. */
  leaveWith(job: Job): void {
    this.#lostTo = job.seq;
    this.#remove(job);
  }

  /** What it does since it was left alone. */
  get sinceLost(): "loops" | "hears" | "is back" {
    const isBack = this.#board.state(this.#lostTo!) !== State.CLAIMED;
    return isBack ? "is back" : this.told.hasHeard ? "hears" : "loops";
  }

  #remove(job: Job): void {
    this.jobs.remove(job);
    this.told.remove(job);
  }

  /** Reads what comes from the worker, where a job may have destroyed anything. */
  #trust(read: () => void): void {
    if (this.#isBroken) return;
    try {
      read();
    } catch (cause) {
      this.#isBroken = true;
      const error = "What the worker has written cannot be read";
      this.#events.died(this, new Error(error, { cause }));
    }
  }

  #receive(message: FromWorker): void {
    this.stall.over();
    if (Array.isArray(message)) {
      for (let i = 0; i < message.length; i += 2) {
        const [seq, value] = [message[i] as number, message[i + 1]];
        this.#settlePosted(seq, { kind: "value", value });
      }
    } else if (message !== WAKE) {
      if (message.kind === "flow") this.#link.receive(message.events);
      else if (message.kind === "grown") this.isGrown = true;
      else if (message.kind === "ended") {
        // What the job wrote before it ended comes first.
        this.#link.read();
        this.#settlePosted(message.seq, message.ending);
      }
    }
    this.#board.awake();
    this.#events.heard(this);
  }

  #settlePosted(seq: number, ending: Ending): void {
    const job = this.jobs.get(seq);
    if (job === undefined) return;
    // What cannot be read leaves the job in flight: it is lost with its worker.
    let outcome: Outcome = ending.kind === "error"
      ? { kind: "error", error: unpackError(ending.error) }
      : ending;
    this.#remove(job);
    let streams: Arrivals | undefined;
    if (ending.kind === "value") {
      if (ending.moved) {
        streams = new Arrivals();
        outcome = this.#revive(ending.value, ending.moved, streams);
      }
      if (ending.isLarge) {
        this.#board.hasRead();
        // It may wait for that with its next job.
        if (this.jobs.length > 0) this.#thread.post(WAKE);
      }
    }
    const [start, end] = [this.#board.start(seq), this.#board.end(seq)];
    this.#endings.ended(this, job, outcome, start, end, streams);
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

  /** Takes the results that it has left in shared memory. */
  collect(): void {
    this.#trust(() => {
      // Streams may run code of the user's here, before anything is changed.
      this.#link.read();
      // It has told of each that has ended.
      if (this.#concurrency > 1) return;
      while (this.#settleOnBoard(this.jobs.peek(), this.jobs.end));
    });
  }

  /** Takes a job's result from the board; `false` if it is not there. */
  #settleOnBoard(job: Job | undefined, end = (job?.seq ?? 0) + 1): boolean {
    if (job === undefined) return false;
    const { seq } = job;
    const board = this.#board;
    const state = board.state(seq);
    if (state <= State.POSTED) return false;
    const value = board.result(seq, state, end);
    this.#remove(job);
    this.stall.over();
    this.#endings.value(this, job, value, board.start(seq), board.end(seq));
    return true;
  }

  /** Ends it, and gives what was in flight, in order. */
  stop(cause: unknown): Remains {
    const life = this.#thread.stop();
    this.collect();
    const unstarted = [];
    const started = [];
    for (const job of this.jobs.all()) {
      if (job.worker !== this) continue;
      if (this.takeBack(job)) {
        unstarted.push(job);
        continue;
      }
      this.#trust(() => this.#settleOnBoard(job));
      // It has not ended, or in a way that is lost.
      if (job.worker !== this) continue;
      this.#remove(job);
      started.push(job);
    }
    this.#link.fail(cause);
    return { unstarted, started, life };
  }
}
