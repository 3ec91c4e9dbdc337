// Executes the jobs of this worker in order, one after the other or, where that
// is wanted, several asynchronous ones at once, and sends their endings.

import { State, WAKE, type WorkerBoard } from "../wire/board.ts";
import type { PackedError } from "../values/unpack_error.ts";
import { apply, objectPrototype, SafeMap } from "../values/intrinsics.ts";
import { type JobList, JobListReader } from "../wire/job_list.ts";
import type { Arrivals } from "../moving/arrivals.ts";
import type { MovedList } from "../moving/kind.ts";
import type { FunctionsMessage, Rings, WorkerInit } from "../wire/protocol.ts";
import {
  type CurrentJob,
  currentJobSlot,
  type JobStorage,
} from "../values/thread_state.ts";
import type { Handler, Handlers } from "./handlers.ts";
import type { Host } from "./host.ts";
import type { Traffic } from "./traffic.ts";

/** Loaded late, since most jobs end on the board. */
type Endings = typeof import("./endings.ts");
/** Loaded late, since few jobs may only execute for so long. */
type Guard = typeof import("./guard.ts");

/** A job as this worker has received it. */
class ReceivedJob implements CurrentJob {
  /** The one that is to start after it. */
  next: ReceivedJob | undefined = undefined;
  deadline: number | undefined = undefined;
  #abort: AbortController | undefined;

  constructor(
    readonly seq: number,
    readonly id: number,
    readonly handler: Handler,
    readonly args: unknown[],
    readonly workerId: number,
    /** How many ms it may execute. */
    readonly timeout: number,
  ) {}

  /** What has moved with it. */
  arrivals: Arrivals | undefined;
  /** Why what has moved with it cannot be used here. */
  refusal: { thrown: unknown } | undefined;

  get name(): string {
    return this.handler.name;
  }

  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    (this.#abort ??= new AbortController()).abort(reason);
    this.arrivals?.abort();
  }
}

/** Results wait at most so many ms for others to be told of with them, if no job is long. */
const TELL_AFTER = 0.25;
/** So many large results may wait for main to read them before the next job starts. */
const MOST_UNREAD = 2;
/** For so many ms jobs follow each other before timers and I/O get their turn. */
const TURN = 10;
/** How often the size of the heap is looked at, in ms. */
const WEIGH_EVERY = 50;
const BYTES_PER_MIB = 2 ** 20;

/** As they were before any job could overwrite them. */
const { memoryUsage } = Deno;
const dateNow = Date.now;
const performanceNow = performance.now.bind(performance);

/** Takes lists of jobs, and executes them in order. */
export class Executor {
  readonly #workerId: number;
  readonly #concurrency: number;
  /** Whether each end is told of, since jobs may end in another order than they start. */
  readonly #tellsEnds: boolean;
  readonly #board: WorkerBoard;
  readonly #handlers: Handlers;
  readonly #host: Host;
  /** From this thread's clock to main's. */
  readonly #clockOffset: number;
  readonly #rings: Rings | undefined;
  #loading: Promise<void> | undefined;
  #endings: Endings | undefined;
  readonly #canGuard: boolean;
  #guard: Guard | undefined;
  /** The job that the guard watches, until its ending is told. */
  #guarded: ReceivedJob | undefined;
  #storage: JobStorage | undefined;
  /** Loaded late, since most jobs have nothing that moves. */
  traffic: Traffic | undefined;
  /** The jobs that have not started, in order. */
  #first: ReceivedJob | undefined;
  #last: ReceivedJob | undefined;
  /** The asynchronous jobs in progress, by their sequence numbers. */
  readonly #inProgress = new SafeMap<number, ReceivedJob>();
  /** For how many reasons no job may start just now. */
  #holds = 0;
  /** Since when there are results on the board of which main has not been told. */
  #untoldSince: number | undefined;
  /** When, on main's clock, it is others' turn in this thread. */
  #pauseAt = 0;
  /** How many large results have left. */
  #largePosted = 0;
  readonly #onLarge = (): void => void this.#largePosted++;
  readonly #maxHeap: number;
  /** When, on main's clock, the heap is looked at again. */
  #weighAt: number;

  constructor(
    init: WorkerInit,
    board: WorkerBoard,
    handlers: Handlers,
    host: Host,
  ) {
    const { workerId, concurrency, rings, timeOrigin, maxHeap } = init;
    this.#workerId = workerId;
    this.#concurrency = concurrency;
    this.#tellsEnds = concurrency > 1 && rings !== undefined;
    this.#rings = rings;
    this.#clockOffset = performance.timeOrigin - timeOrigin;
    this.#board = board;
    this.#handlers = handlers;
    this.#host = host;
    this.#canGuard = init.guards;
    this.#maxHeap = maxHeap * BYTES_PER_MIB;
    this.#weighAt = maxHeap === Infinity ? Infinity : 0;
  }

  /** Loads what not every job needs. */
  loadRest(): Promise<void> {
    return this.#loading ??= this.#loadRest();
  }

  async #loadRest(): Promise<void> {
    await this.#host.load?.();
    const endings = await import("./endings.ts");
    const { Traffic } = await import("./traffic.ts");
    this.traffic = new Traffic(this.#rings, this.#board, this.#host.post);
    this.#endings = endings;
  }

  /** Loads what stops jobs whose time is over. */
  async loadGuard(): Promise<void> {
    this.#guard = await import("./guard.ts");
  }

  /** Loads what tells jobs apart that are in progress at once. */
  async loadStorage(): Promise<void> {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    this.#storage = currentJobSlot.storage ??= new AsyncLocalStorage();
  }

  /** Takes in functions that jobs will name. */
  define(functions: FunctionsMessage): void {
    this.#handlers.define(functions);
  }

  /** Takes in a list of jobs, with what has moved with each. */
  receive(list: JobList, moved?: MovedList[]): void {
    const reader = new JobListReader(list);
    let isTimed = false;
    for (let i = 0; reader.read(); i++) {
      const { seq, id, functionId, args, timeout } = reader;
      const handler = this.#handlers.get(functionId);
      const job = new ReceivedJob(
        seq,
        id,
        handler,
        args,
        this.#workerId,
        timeout,
      );
      isTimed ||= timeout < Infinity;
      if (moved) this.#revive(job, moved[i]);
      if (this.#last) this.#last.next = job;
      else this.#first = job;
      this.#last = job;
    }
    if (isTimed && this.#canGuard && this.#guard === undefined) {
      this.#hold(() => this.loadGuard());
    }
    // What came with them.
    if (moved) this.traffic?.link.read();
    if (!this.#mayStart) return;
    const now = this.#now();
    const late = now - this.#pauseAt;
    // Messages that follow each other leave timers and I/O no turn, either.
    if (late >= 0 && late < TURN) return void this.#hold(this.#host.nextTurn);
    if (late >= TURN) this.#pauseAt = now + TURN;
    this.#run(now);
  }

  #revive(job: ReceivedJob, moved: MovedList): void {
    job.arrivals = this.traffic!.newArrivals();
    try {
      this.traffic!.revive(job.args, moved, job.arrivals);
    } catch (error) {
      // A request whose method is forbidden here, say.
      job.refusal = { thrown: error };
    }
  }

  /** A job is to end. */
  abort(seq: number, reason: PackedError): void {
    this.#board.hear();
    const job = this.#inProgress.get(seq);
    if (job) this.#abort(job, reason);
    // Main may have taken this thread to hear nothing.
    this.#tell();
    // Where one was stopped, what followed may have been stopped with it.
    if (this.#mayStart) this.#run(this.#now());
  }

  /** Main has something to say in shared memory. */
  wake(): void {
    this.traffic?.link.read();
    if (this.#first && this.#mayStart) this.#run(this.#now());
  }

  async #abort(job: ReceivedJob, reason: PackedError): Promise<void> {
    if ("thrown" in reason) return job.abort(reason.thrown);
    try {
      const { unpackError } = await import("../values/unpack_error.ts");
      // It may have ended meanwhile.
      if (this.#inProgress.get(job.seq) === job) job.abort(unpackError(reason));
    } catch (error) {
      this.#host.crash(error);
    }
  }

  get #mayStart(): boolean {
    return this.#holds === 0 && this.#inProgress.size < this.#concurrency &&
      (this.#largePosted === 0 ||
        this.#largePosted - this.#board.largeRead < MOST_UNREAD);
  }

  #run(now: number): void {
    let wasTakenBack = false;
    if (this.#guarded) this.#endCutOff(this.#guarded, now);
    while (this.#mayStart) {
      const job = this.#shift();
      if (job === undefined) break;
      // What others wrote is not held up by a job that is long.
      this.traffic?.link.send();
      if (!this.#board.claim(job.seq, now)) {
        job.arrivals?.end();
        wasTakenBack = true;
        continue;
      }
      let result: unknown;
      let failed = false;
      try {
        job.arrivals?.start();
        if (job.refusal) throw job.refusal.thrown;
        result = job.timeout === Infinity
          ? this.#call(job)
          : this.#callGuarded(job);
        if (isThenable(result)) {
          this.#await(job, result);
          this.#guarded = undefined;
          now = this.#now();
          continue;
        }
      } catch (error) {
        failed = true;
        result = error;
      }
      now = this.#now();
      this.#end(job, now, failed, result);
      this.#guarded = undefined;
      // Timers and I/O have their turn.
      if (now >= this.#pauseAt && this.#first) this.#hold(this.#host.nextTurn);
    }
    if (this.#untoldSince !== undefined) this.#tell();
    // Main took this worker to be held up by a job that has come to wait.
    else if (wasTakenBack && this.#mayStart) this.#tell();
  }

  #call(job: ReceivedJob): unknown {
    // Called by itself, a handler has no `this`.
    const { call } = job.handler;
    if (this.#storage) {
      return this.#storage.run(job, apply, call, undefined, job.args);
    }
    currentJobSlot.job = job;
    return apply(call, undefined, job.args);
  }

  /** The same, if it takes no longer than it may. */
  #callGuarded(job: ReceivedJob): unknown {
    job.deadline = dateNow() + job.timeout;
    if (this.#guard === undefined) return this.#call(job);
    this.#guarded = job;
    return this.#guard.guard(() => this.#call(job), job.timeout);
  }

  /**
   * A job was stopped just when it had ended, and what was to tell of that was
   * stopped in its place: no job may start before it is told. Whatever else was
   * about to go on then, after an `await`, does so no more.
   */
  #endCutOff(job: ReceivedJob, now: number): void {
    this.#guarded = undefined;
    this.#host.renewTurns?.();
    const state = this.#board.state(job.seq);
    if (state === State.CLAIMED || state === State.POSTED) {
      this.#end(job, now, true, this.#guard!.STOPPED);
    }
    if (this.#inProgress.size === 0) return;
    this.#host.crash(
      new Error("The end of another job, which took too long, was cut off"),
    );
  }

  async #await(
    job: ReceivedJob,
    promise: PromiseLike<unknown>,
  ): Promise<void> {
    this.#inProgress.set(job.seq, job);
    this.#board.waits?.(job.seq);
    let result: unknown;
    let failed = false;
    try {
      result = await promise;
    } catch (error) {
      failed = true;
      result = error;
    }
    try {
      this.#inProgress.delete(job.seq);
      const now = this.#now();
      this.#end(job, now, failed, result);
      if (now < this.#pauseAt) this.#run(now);
      else this.#hold(this.#host.nextTurn);
    } catch (error) {
      this.#host.crash(error);
    }
  }

  #shift(): ReceivedJob | undefined {
    const job = this.#first;
    if (job === undefined) return undefined;
    this.#first = job.next;
    if (this.#first === undefined) this.#last = undefined;
    job.next = undefined;
    return job;
  }

  #now(): number {
    return performanceNow() + this.#clockOffset;
  }

  /** Sends a job's ending, before the next job may start. */
  #end(
    job: ReceivedJob,
    end: number,
    failed: boolean,
    result: unknown,
  ): void {
    if (!this.#storage) currentJobSlot.job = undefined;
    this.#board.setEnd(job.seq, end);
    if (end >= this.#weighAt) this.#weigh(end);
    if (failed || !this.#board.settle(job.seq, result)) {
      return this.#postEnding(job, failed, result);
    }
    job.arrivals?.end();
    if (this.#tellsEnds) return this.traffic!.link.tellEnded(job.seq);
    this.#untoldSince ??= end;
    if (end - this.#untoldSince >= TELL_AFTER) this.#tell();
  }

  /** Tells once if the heap has grown too large. */
  #weigh(now: number): void {
    this.#weighAt = now + WEIGH_EVERY;
    if (memoryUsage().heapUsed < this.#maxHeap) return;
    this.#weighAt = Infinity;
    this.#host.post({ kind: "grown" });
  }

  #postEnding(job: ReceivedJob, failed: boolean, result: unknown): void {
    if (this.#guard && result === this.#guard.STOPPED) {
      // At once: main waits for it, and does so only for so long.
      this.#board.settlePosted(job.seq);
      const { seq } = job;
      this.#host.post({ kind: "ended", seq, ending: { kind: "timed-out" } });
      return job.arrivals?.end();
    }
    if (this.#endings === undefined) {
      return void this.#hold(async () => {
        await this.loadRest();
        this.#postEnding(job, failed, result);
      });
    }
    const { postFailure, postValue } = this.#endings;
    this.#board.settlePosted(job.seq);
    if (failed) {
      postFailure(job, result, this.#host.post);
      return job.arrivals?.end({ thrown: result });
    }
    const departing = postValue(
      job,
      result,
      this.traffic!,
      this.#host,
      this.#onLarge,
    );
    if (departing === undefined) return job.arrivals?.end();
    this.#hold(async () => {
      const departures = await departing;
      // What moved into the job stays until the streams of its result have ended.
      departures.whenClosed(() => job.arrivals?.end());
    });
  }

  /** Lets no job start until something is done. */
  async #hold(action: () => Promise<unknown>): Promise<void> {
    this.#holds++;
    try {
      await action();
      this.#holds--;
      const now = this.#now();
      this.#pauseAt = now + TURN;
      this.#run(now);
    } catch (error) {
      this.#host.crash(error);
    }
  }

  /** Wakes main, unless it is about to look anyway. */
  #tell(): void {
    this.#untoldSince = undefined;
    if (this.traffic) this.traffic.link.flush();
    else if (this.#board.wake()) this.#host.post(WAKE);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { then } = value as { then?: unknown };
  // A job may have given one to all objects.
  return typeof then === "function" &&
    then !== (objectPrototype as { then?: unknown }).then;
}
