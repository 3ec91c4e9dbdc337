// One worker as main sees it: its thread, the jobs in flight to it, and what may
// be done with it now.

import type { FlowEvents } from "../flow/events.ts";
import { Link } from "../flow/link.ts";
import type { FunctionTable } from "../job/functions.ts";
import type { Job, JobRun, JobWorker } from "../job/job.ts";
import type { PoolEvents } from "../job/pool_events.ts";
import type { Life } from "../threads/life.ts";
import type { OpenThread, ThreadSettings } from "../threads/thread.ts";
import { WorkerThread } from "../threads/worker_thread.ts";
import type { Clock } from "../values/clock.ts";
import { packError } from "../values/pack_error.ts";
import { Board, slotsFor } from "../wire/board.ts";
import { WAKE } from "../wire/protocol.ts";
import { CALLER } from "./caller.ts";
import type { Endings } from "./endings.ts";
import { InFlight } from "./in_flight.ts";
import { initOf, WorkerRings } from "./init.ts";
import { Inbox } from "./inbox.ts";
import { LostJob } from "./lost_job.ts";
import { Outbox, type Sent } from "./outbox.ts";
import { Stall } from "./stall.ts";
import type { WorkerState } from "./worker_state.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** What all workers of a pool have in common. */
export interface WorkerSettings extends Omit<ThreadSettings, "callerClock"> {
  concurrency: number;
  maxJobsPerWorker: number;
  maxHeapPerWorker: number;
  /** The pool's clock, and its time in ms. */
  clock: Clock;
  now: () => number;
  /** What every worker is given, in a copy of its own. */
  workerData: unknown;
}

/** What a worker needs of those around it, and what it tells them. */
export interface WorkerParts {
  /** Starts its thread. */
  open: OpenThread;
  /** Whether that shares no memory with main, so that its messages take a while to arrive. */
  isRemote: boolean;
  functions: FunctionTable;
  endings: Endings;
  events: PoolEvents;
  ready(worker: PoolWorker): void;
  /** It has said something: jobs may have ended. */
  heard(worker: PoolWorker): void;
  /** It was sent something whose answer may come without a message. */
  expectAnswer(): void;
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
/** Bytes that may be sent ahead of a worker; more only if it has read all that it was sent. */
const BYTES_AHEAD = 2 ** 20;

/** A worker with the list of what it has been sent. */
export class PoolWorker implements JobWorker {
  readonly id: number;
  /** Changed by `Workers` only. */
  state: WorkerState = "starting";
  readonly jobs: InFlight;
  readonly stall: Stall;
  /** While it is held: the job that has not started, if that was not taken back. */
  heldFor: Job | undefined;
  /** Above 1, jobs may end in another order than they start. */
  readonly concurrency: number;
  /** Whether it gets no more jobs: its heap has grown too large, or it is one too many. */
  isRetired = false;
  /** When its last grace is over, where it was left alone and hears again, or is stopping. */
  lastGrace: number | undefined;
  /** Whether it has done what its jobs wanted done at the end. */
  hasStopped = false;
  /** When it began to start, on main's clock. */
  readonly made = performanceNow();
  /** Whether any job has ended in it. */
  hasWorked = false;
  readonly #parts: WorkerParts;
  readonly #board: Board;
  readonly #thread: WorkerThread;
  readonly link: Link;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #now: () => number;
  /** How many more jobs it may be given. */
  #jobsLeft: number;
  /** The job that it was left alone with. */
  readonly lost: LostJob;

  constructor(
    id: number,
    settings: WorkerSettings & Pick<ThreadSettings, "callerClock">,
    parts: WorkerParts,
  ) {
    const { name, concurrency, callerClock, now } = settings;
    this.id = id;
    this.#parts = parts;
    this.concurrency = concurrency;
    this.#now = now;
    this.#jobsLeft = settings.maxJobsPerWorker;
    // The thread comes first: it starts while the rest is made.
    const thread = this.#thread = new WorkerThread(parts.open, {
      ...settings,
      name: `${name}-${id}`,
    }, {
      ready: () => parts.ready(this),
      message: (message) => this.#inbox.receive(message),
      forged: () => {
        const error = new Error(FORGED);
        parts.events.emit("workererror", { workerId: id, error });
      },
      died: (cause) => parts.died(this, cause),
    });
    const slots = slotsFor(concurrency);
    const board = this.#board = new Board(slots);
    this.jobs = new InFlight(board, slots, parts.isRemote);
    this.stall = new Stall(this.jobs);
    this.lost = new LostJob(board);
    // The caller's own thread hears of everything at once.
    const rings = parts.isRemote || callerClock ? undefined : new WorkerRings();
    const link = this.link = new Link(
      (flow, moves) => this.#postFlow(flow, moves),
      true,
      rings,
      callerClock,
    );
    this.#inbox = new Inbox(this, board, link, parts);
    this.#outbox = new Outbox(thread, link, parts.functions, rings?.jobs);
    thread.init({
      ...initOf(id, settings),
      slots,
      board: board.buffer,
      rings: rings?.forWorker,
    });
  }

  #postFlow(flow?: FlowEvents, moves?: Transferable[]): void {
    this.#thread.post(flow ? { kind: "flow", events: flow } : WAKE, moves);
    this.#parts.expectAnswer();
  }

  /** Lets it look at what is new in shared memory. */
  wake(): void {
    this.#thread.post(WAKE);
  }

  /** Whether it is the caller's own thread, for what finds the queue full. */
  get isCaller(): boolean {
    return this.id === CALLER;
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
    return this.concurrency > 1 || this.jobs.asides.size > 0
      ? this.jobs.count().sent
      : Math.max(0, length - 1);
  }

  /** Whether something may be in shared memory of which it has not told. */
  get mayHaveUnreadResults(): boolean {
    // With several jobs at once, their ends are told there, too.
    if (!this.link.isUsed && this.concurrency === 1) return false;
    const first = this.jobs.peek();
    // The first job may start any moment.
    return this.link.isOtherInTurn ||
      first !== undefined && this.jobs.isUnstarted(first);
  }

  /** Whether a job may start any moment without a word. */
  get mayStart(): boolean {
    const { sent, running } = this.jobs.count();
    return sent > 0 && running < this.concurrency;
  }

  /** Whether it has been at one job for longer than `ms`, and does nothing else. */
  isHeldUp(ms: number): boolean {
    const job = this.jobs.peek();
    return job !== undefined && this.concurrency === 1 &&
      this.jobs.isRunning(job) &&
      this.#now() - this.#board.start(job.seq) > ms;
  }

  /** Whether it may be sent a job now: of large arguments, two are on their way at most. */
  takes({ size }: Job): boolean {
    if (size === 0 || this.jobs.bytes + size <= BYTES_AHEAD) return true;
    return this.jobs.length < 2 || this.jobs.firstUnstarted() === undefined;
  }

  /** How many more jobs it may be given at all. */
  get jobsLeft(): number {
    return this.isRetired ? 0 : this.#jobsLeft;
  }

  /** How many more jobs it may be sent. */
  get room(): number {
    return this.isRetired ? 0 : Math.min(this.jobs.room, this.#jobsLeft);
  }

  /** Whether it is to be given no more jobs. */
  get isSpent(): boolean {
    return this.jobsLeft === 0;
  }

  /** Whether nothing is left to do for it. */
  get isDone(): boolean {
    return this.jobs.length === 0 && !this.link.isUsed;
  }

  /** Until when, on main's clock, it may be reading what it was sent. */
  get readingUntil(): number {
    return this.#outbox.readingUntil;
  }

  /**
   * Sends jobs in one message.
   *
   * @param isAside Whether they run beside those in progress, which wait for them
   * @throws {JobCloneError} If they cannot be cloned; they are not in flight then
   */
  send(jobs: Job[], isAside: boolean): Sent {
    this.#outbox.sendFunctions(jobs);
    for (const job of jobs) this.jobs.add(job, this, isAside);
    if (!isAside) this.#jobsLeft -= jobs.length;
    let isSent = false;
    try {
      const sent = this.#outbox.send(jobs, isAside);
      isSent = true;
      if (jobs[0].extras?.cargo) this.#parts.expectAnswer();
      return sent;
    } finally {
      if (!isSent) { for (const job of jobs) this.takeBack(job); }
    }
  }

  /** Takes a job back; `false` if it has started. */
  takeBack(job: Job): boolean {
    const isAside = this.jobs.asides.has(job);
    if (!this.jobs.takeBack(job)) return false;
    if (!isAside) this.#jobsLeft++;
    job.extras?.cargo?.takeBack();
    return true;
  }

  /** Where a job that has started runs, and for how long so far. */
  runOf({ seq }: Job): JobRun {
    const start = this.#board.start(seq);
    return { workerId: this.id, start, end: this.#now() };
  }

  /** Tells a job that runs to end, and gives it until then. */
  abort(job: Job, reason: unknown, due: number): void {
    this.jobs.aborting.add(job, due);
    const { seq } = job;
    this.#thread.post({ kind: "abort", seq, reason: packError(reason) });
  }

  /** Whether its jobs want something done before it ends. */
  get asksToStop(): boolean {
    return this.#board.asksToStop;
  }

  /** Tells it to do that, and nothing more. */
  tellToStop(): void {
    this.#thread.post({ kind: "stop" });
  }

  /** Leaves it alone with a job that does not end though it was told to. */
  leaveWith(job: Job): void {
    this.lost.set(job.seq);
    this.lastGrace = undefined;
    this.jobs.remove(job);
  }

  /** What it does since it was left alone. */
  get sinceLost(): "loops" | "hears" | "is back" {
    if (this.lost.hasEnded) return "is back";
    return this.jobs.aborting.hasHeard ? "hears" : "loops";
  }

  /** Takes what it has left in shared memory. */
  collect(): void {
    this.#inbox.collect();
  }

  /** Ends it, and gives what was in flight, in order. */
  stop(cause: unknown): Remains {
    this.#board.endWorker();
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
      this.#inbox.collectLast(job);
      // It has not ended, or in a way that is lost.
      if (job.worker !== this) continue;
      this.jobs.remove(job);
      started.push(job);
    }
    this.link.fail(cause);
    return { unstarted, started, life };
  }
}
