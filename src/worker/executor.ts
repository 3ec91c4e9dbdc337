// Executes the jobs of this worker in order: one after the other or, with a
// concurrency above 1, several asynchronous jobs at once.

import { State } from "../wire/board.ts";
import { performanceNow } from "../values/intrinsics.ts";
import type { PackedError } from "../values/unpack_error.ts";
import { type JobList, JobListReader } from "../wire/job_list.ts";
import { JobRing } from "../wire/job_ring.ts";
import type { FunctionsMessage } from "../wire/protocol.ts";
import type { MovedOfJob } from "../moving/kind.ts";
import { Calls } from "./calls.ts";
import { EndingSender, STOPPED } from "./ending_sender.ts";
import type { Handlers } from "./handlers.ts";
import { Jobs, ReceivedJob, seqOf } from "./jobs.ts";
import { type OwnThread, TURN } from "./own_thread.ts";
import { isThenable } from "../values/thenable.ts";

/** Receives lists of jobs, and executes the jobs in order. */
export class Executor {
  readonly #handlers: Handlers;
  readonly #thread: OwnThread;
  readonly #jobs = new Jobs();
  readonly calls: Calls;
  readonly endings: EndingSender;
  /** Ring for jobs that consist only of numbers. */
  readonly #ring: JobRing | undefined;
  /** Number of messages with functions or jobs that have come. */
  #epoch = 0;
  readonly #clock: () => number;
  /** Difference between main's clock and this thread's clock. */
  readonly #clockOffset: number;
  /** Number of reasons why no job can start now. */
  #holds = 0;
  #isAbandoned = false;
  /** When timers and I/O get their turn, on main's clock. */
  #pauseAt = 0;

  constructor(handlers: Handlers, thread: OwnThread) {
    this.#handlers = handlers;
    this.#thread = thread;
    this.endings = new EndingSender(thread);
    const { rings } = thread.init;
    if (rings) this.#ring = new JobRing(rings.jobs);
    this.calls = new Calls(thread.clock?.now);
    this.#clock = thread.clock?.now ?? performanceNow;
    this.#clockOffset = performance.timeOrigin - thread.init.timeOrigin;
  }

  /** Receives a list of jobs, with the values that moved with each. */
  receive(list: JobList, moved?: MovedOfJob[]): void {
    this.#readRing();
    this.#add(new JobListReader(list), moved);
    this.#epoch++;
    // Reads events that came with the jobs.
    if (moved) this.endings.moving!.link.read();
    this.#start();
  }

  /** Receives functions, which can replace other functions. */
  define(message: FunctionsMessage): void {
    this.#readRing();
    this.#handlers.define(message);
    this.#epoch++;
  }

  #readRing(): void {
    const ring = this.#ring;
    while (ring?.read(this.#epoch)) {
      this.#add(new JobListReader(ring.numbers, ring.from, ring.to));
    }
  }

  #add(reader: JobListReader, moved?: MovedOfJob[]): void {
    let isTimed = false;
    for (let i = 0; reader.read(); i++) {
      const handler = this.#handlers.get(reader.functionId);
      const job = new ReceivedJob(reader, handler, this.#thread.init.workerId);
      if (this.#thread.life) job.life = this.#thread.life;
      if (job.timeout < Infinity) isTimed = true;
      if (moved) this.endings.moving!.revive(job, moved[i]);
      if (job.isAside) this.#addAside(job);
      else this.#jobs.add(job);
    }
    if (isTimed && this.#thread.init.guards && !this.calls.hasGuard) {
      this.#hold(this.calls.loadGuard());
    }
  }

  /** Adds a job that the job in progress waits for. */
  #addAside(job: ReceivedJob): void {
    this.#jobs.addAside(job);
    // Each job must be the current job in its own code only.
    if (!this.calls.hasStorage) this.#hold(this.calls.loadStorage());
  }

  /** Starts jobs, unless it is the turn of timers and I/O. */
  #start(): void {
    if (!this.#mayStart) return;
    const now = this.#now();
    const late = now - this.#pauseAt;
    // Consecutive messages give timers and I/O no turn, either.
    if (late >= 0 && late < TURN) return void this.#pause();
    if (late >= TURN) this.#pauseAt = now + TURN;
    this.#run(now);
  }

  /** Aborts a job in flight. */
  abort(seq: number, reason: PackedError): void {
    this.#thread.board.hear();
    if (this.#jobs.find(seq)) this.#abort(seq, reason);
    // Main may assume that this thread receives nothing.
    this.endings.wakeMain();
    // A late guard may have stopped `#run` as well.
    if (this.#mayStart) this.#run(this.#now());
  }

  async #abort(seq: number, reason: PackedError): Promise<void> {
    try {
      const { unpackError } = await import("../values/unpack_error.ts");
      // The job may have ended meanwhile.
      const job = this.#jobs.find(seq);
      if (job) this.calls.within(job, () => job.abort(unpackError(reason)));
    } catch (error) {
      this.#thread.crash(error);
    }
  }

  /** Drops all jobs and aborts them. */
  abandon(): void {
    this.#isAbandoned = true;
    // So no other job starts.
    this.#holds++;
    const error = new DOMException("The worker was stopped", "AbortError");
    for (const job of this.#jobs.takeAll()) {
      this.calls.within(job, () => job.abort(error));
      job.arrivals?.end({ thrown: error });
    }
    this.endings.moving?.link.fail(error);
  }

  /** Reads what main has written to shared memory. */
  wake(): void {
    this.endings.moving?.link.read();
    this.#readRing();
    if (this.#jobs.hasWaiting) this.#start();
  }

  get #mayStart(): boolean {
    const { inProgress, isAsideNext } = this.#jobs;
    const hasRoom = inProgress < this.#thread.init.concurrency;
    return this.#holds === 0 && (hasRoom || isAsideNext) &&
      this.endings.mayStartNext;
  }

  #run(now: number): void {
    let wasTakenBack = false;
    if (this.calls.guarded) this.#endCutOff(this.calls.guarded, now);
    while (this.#mayStart) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      // A long job must not delay what other jobs wrote.
      this.endings.moving?.link.send();
      if (!this.#thread.board.claim(seqOf(job), now)) {
        job.arrivals?.end();
        wasTakenBack = true;
        continue;
      }
      let result: unknown;
      let failed = false;
      try {
        job.arrivals?.start?.();
        result = this.calls.call(job);
        if (isThenable(result)) {
          this.#await(job, result);
          this.calls.guarded = undefined;
          now = this.#now();
          continue;
        }
      } catch (error) {
        failed = true;
        result = error;
      }
      now = this.#now();
      this.#end(job, now, failed, result);
      this.calls.guarded = undefined;
      if (now >= this.#pauseAt && this.#jobs.hasWaiting) this.#pause();
    }
    // If main took a job back, it assumes that this worker is held up.
    if (this.endings.hasUnannounced || wasTakenBack && this.#mayStart) {
      this.endings.wakeMain();
    }
  }

  /**
   * Ends a job whose ending was cut off by a late guard. No job can start before this.
   * Other jobs in progress may have been cut off as well.
   */
  #endCutOff(job: ReceivedJob, now: number): void {
    this.calls.guarded = undefined;
    this.#thread.renewTurns?.();
    const state = this.#thread.board.state(seqOf(job));
    if (state === State.CLAIMED || state === State.POSTED) {
      this.#end(job, now, true, STOPPED);
    }
    if (this.#jobs.inProgress === 0) return;
    this.#thread.crash(
      new Error("The end of another job, which took too long, was cut off"),
    );
  }

  async #await(
    job: ReceivedJob,
    promise: PromiseLike<unknown>,
  ): Promise<void> {
    this.#jobs.goesOn(job);
    this.#thread.board.waits?.(seqOf(job));
    let result: unknown;
    let failed = false;
    try {
      result = await promise;
    } catch (error) {
      failed = true;
      result = error;
    }
    if (this.#isAbandoned) return;
    try {
      this.#jobs.ended(job);
      const now = this.#now();
      this.#end(job, now, failed, result);
      if (now < this.#pauseAt) this.#run(now);
      else this.#pause();
    } catch (error) {
      this.#thread.crash(error);
    }
  }

  #end(job: ReceivedJob, now: number, failed: boolean, result: unknown): void {
    this.calls.ended(job);
    const sent = this.endings.end(job, now, failed, result);
    if (sent) this.#hold(sent);
  }

  #now(): number {
    return this.#clock() + this.#clockOffset;
  }

  /** Gives timers and I/O their turn. */
  #pause(): void {
    this.#hold(this.#thread.pause());
  }

  /** Starts no job until a promise resolves. */
  async #hold(done: Promise<void>): Promise<void> {
    this.#holds++;
    try {
      await done;
      this.#holds--;
      const now = this.#now();
      this.#pauseAt = now + TURN;
      this.#run(now);
      // On the caller's own thread, main sees only results that are announced.
      if (this.#thread.clock) this.endings.wakeMain();
    } catch (error) {
      this.#thread.crash(error);
    }
  }
}
