// One worker as main sees it: its thread, the jobs in flight to it, and what
// can be done with it now.

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

/** Settings that all workers of a pool share. */
export interface WorkerSettings extends Omit<ThreadSettings, "callerClock"> {
  concurrency: number;
  maxJobsPerWorker: number;
  maxHeapPerWorker: number;
  /** The pool's clock, and its time in ms. */
  clock: Clock;
  now: () => number;
  /** Data for all workers; each worker gets its own copy. */
  workerData: unknown;
}

/** What a worker needs from its pool, and callbacks for its events. */
export interface WorkerParts {
  /** Starts the worker's thread. */
  open: OpenThread;
  /** Whether the thread shares no memory with main: its messages take a while. */
  isRemote: boolean;
  functions: FunctionTable;
  endings: Endings;
  events: PoolEvents;
  ready(worker: PoolWorker): void;
  /** Called after a message: jobs may have ended. */
  heard(worker: PoolWorker): void;
  /** Called when an answer may come without a message. */
  expectAnswer(): void;
  died(worker: PoolWorker, cause: unknown): void;
}

/** Jobs and thread of a worker that has ended. */
export interface Remains {
  unstarted: Job[];
  started: Job[];
  /** Life of the thread, if main can observe it. */
  life: Life | undefined;
}

const FORGED = "A job has posted a message of its own, which was dropped";
/** Maximum bytes in flight, unless fewer than two jobs are, or all started. */
const BYTES_AHEAD = 2 ** 20;

/** A worker, with the jobs that were sent to it. */
export class PoolWorker implements JobWorker {
  readonly id: number;
  /** Changed only by `Workers`. */
  state: WorkerState = "starting";
  readonly jobs: InFlight;
  readonly stall: Stall;
  /** While held: first job that has not started, if it was not taken back. */
  heldFor: Job | undefined;
  /** Above 1, jobs can end in another order than they start. */
  readonly concurrency: number;
  /** Whether the worker gets no more jobs: it is not needed, or its heap is too large. */
  isRetired = false;
  /** Time when the last grace ends, if lost and responding, or stopping. */
  lastGrace: number | undefined;
  /** Whether the worker has run its `onStop()` callbacks. */
  hasStopped = false;
  /** Time on main's clock when the worker was created. */
  readonly made = performanceNow();
  /** Whether any job has ended in the worker. */
  hasWorked = false;
  readonly #parts: WorkerParts;
  readonly #board: Board;
  readonly #thread: WorkerThread;
  readonly link: Link;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #now: () => number;
  /** Number of further jobs, before the worker is used up. */
  #jobsLeft: number;
  /** The job that the worker was left alone with. */
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
    // Create the thread first: it starts while the rest is created.
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
    // The caller's own thread receives everything at once.
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

  /** Wakes the worker to read new data in shared memory. */
  wake(): void {
    this.#thread.post(WAKE);
  }

  /** Whether this is the caller's thread, for jobs that find the queue full. */
  get isCaller(): boolean {
    return this.id === CALLER;
  }

  /** Whether the worker has imported the module. */
  get isReady(): boolean {
    return this.#thread.isReady;
  }

  /** Sets whether the worker keeps the process running. */
  keepProcess(keeps: boolean): void {
    this.#thread.keepProcess(keeps);
  }

  /** Number of jobs that wait in the worker, as far as main knows. */
  get waiting(): number {
    const { length } = this.jobs;
    if (!this.isReady) return length;
    return this.concurrency > 1 || this.jobs.asides.size > 0
      ? this.jobs.count().sent
      : Math.max(0, length - 1);
  }

  /** Whether shared memory may contain data that was not reported. */
  get mayHaveUnreadResults(): boolean {
    // The link also carries the ends of concurrent jobs.
    if (!this.link.isUsed && this.concurrency === 1) return false;
    const first = this.jobs.peek();
    // The first job may start at any moment.
    return this.link.isOtherInTurn ||
      first !== undefined && this.jobs.isUnstarted(first);
  }

  /** Whether a job may start at any moment without a message. */
  get mayStart(): boolean {
    const { sent, running } = this.jobs.count();
    return sent > 0 && running < this.concurrency;
  }

  /** Whether a single job has occupied the worker for longer than `ms`. */
  isHeldUp(ms: number): boolean {
    const job = this.jobs.peek();
    return job !== undefined && this.concurrency === 1 &&
      this.jobs.isRunning(job) &&
      this.#now() - this.#board.start(job.seq) > ms;
  }

  /** Whether a job can be sent to the worker now, considering its size. */
  takes({ size }: Job): boolean {
    if (size === 0 || this.jobs.bytes + size <= BYTES_AHEAD) return true;
    return this.jobs.length < 2 || this.jobs.firstUnstarted() === undefined;
  }

  /** Number of further jobs, before the worker is used up or retired. */
  get jobsLeft(): number {
    return this.isRetired ? 0 : this.#jobsLeft;
  }

  /** Number of jobs that can be sent to the worker now. */
  get room(): number {
    return this.isRetired ? 0 : Math.min(this.jobs.room, this.#jobsLeft);
  }

  /** Whether the worker gets no more jobs. */
  get isSpent(): boolean {
    return this.jobsLeft === 0;
  }

  /** Whether the worker has no jobs and no open channels. */
  get isDone(): boolean {
    return this.jobs.length === 0 && !this.link.isUsed;
  }

  /** Time on main's clock until which the worker may be reading messages. */
  get readingUntil(): number {
    return this.#outbox.readingUntil;
  }

  /**
   * Sends jobs in one message.
   *
   * @param isAside Whether they run alongside jobs in progress that wait for them
   * @throws {JobCloneError} If they cannot be cloned; then they are not in flight
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

  /** Returns where and since when a started job runs, up to now. */
  runOf({ seq }: Job): JobRun {
    const start = this.#board.start(seq);
    return { workerId: this.id, start, end: this.#now() };
  }

  /** Sends an abort for a job, whose grace ends at `due`. */
  abort(job: Job, reason: unknown, due: number): void {
    this.jobs.aborting.add(job, due);
    const { seq } = job;
    this.#thread.post({ kind: "abort", seq, reason: packError(reason) });
  }

  /** Whether jobs in the worker have called `onStop()`. */
  get asksToStop(): boolean {
    return this.#board.asksToStop;
  }

  /** Tells the worker to run its `onStop()` callbacks, and nothing else. */
  tellToStop(): void {
    this.#thread.post({ kind: "stop" });
  }

  /** Leaves the worker alone with an aborted job that does not end. */
  leaveWith(job: Job): void {
    this.lost.set(job.seq);
    this.lastGrace = undefined;
    this.jobs.remove(job);
  }

  /** What the worker has done since it was left alone. */
  get sinceLost(): "loops" | "hears" | "is back" {
    if (this.lost.hasEnded) return "is back";
    return this.jobs.aborting.hasHeard ? "hears" : "loops";
  }

  /** Reads the results in shared memory. */
  collect(): void {
    this.#inbox.collect();
  }

  /** Ends the worker, and returns the jobs that were in flight, in order. */
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
      // A job that is still here has not ended, or its result is lost.
      if (job.worker !== this) continue;
      this.jobs.remove(job);
      started.push(job);
    }
    this.link.fail(cause);
    return { unstarted, started, life };
  }
}
