// Decides which worker gets which jobs, and when another worker starts.

import { Finishing } from "./finishing.ts";
import { FunctionTable } from "./functions.ts";
import type { Job } from "./job.ts";
import { Lane } from "./lane.ts";
import { Pace } from "./pace.ts";
import type { Ending } from "./protocol.ts";
import { JobQueue } from "./queue.ts";

/** What the dispatcher needs to know. */
export interface DispatcherSettings {
  size: number;
  name: string;
  module: string | undefined;
}

/** What the dispatcher tells the pool. */
export interface DispatcherEvents {
  /** Whether a job's start is to be told: then none is sent ahead of its turn. */
  tellsStarts(): boolean;
  jobStarted(job: Job, workerId: number): void;
  /** A job has ended with a plain value. */
  jobValue(job: Job, value: unknown, start: number, end: number): void;
  /** A job has ended in any other way, and its connections are closed. */
  jobEnded(job: Job, ending: Ending, start: number, end: number): void;
  /** A job no longer occupies the queue or a worker: there may be room. */
  freed(): void;
  /** A job could not be sent. */
  jobLost(job: Job, error: unknown): void;
  /** A job's worker died. */
  jobCrashed(job: Job, started: boolean, cause: unknown): void;
  workerStarted(workerId: number): void;
  workerStopped(workerId: number): void;
  workerDied(workerId: number, cause: unknown): void;
  /** A worker could not even start. */
  startFailed(cause: unknown): void;
}

/** How often a caller that submits without a pause is interrupted to feed the workers. */
const PUMP_EVERY = 256;

/** How many ms after a worker's word main looks for results that came after it. */
const LOOK_AFTER = 2;

/** The queue and the workers that share it. */
export class Dispatcher {
  readonly functions = new FunctionTable();
  readonly #settings: DispatcherSettings;
  readonly #events: DispatcherEvents;
  readonly #queue = new JobQueue();
  readonly #finishing = new Finishing();
  readonly #pace = new Pace();
  readonly #lanes = new Set<Lane>();
  /** Lanes that are ready and have nothing in flight. */
  readonly #idle = new Set<Lane>();
  /** Jobs in the queue or in flight. */
  #outstanding = 0;
  #sinceDispatch = 0;
  #dispatchDue = false;
  #growTimer: ReturnType<typeof setTimeout> | undefined;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether something has happened since the timer was set. */
  #lookAgain = false;
  /** Lanes whose worker has been at one job for long: they are sent nothing. */
  readonly #stuck = new Set<Lane>();
  #stopped = false;

  constructor(settings: DispatcherSettings, events: DispatcherEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /** How many jobs wait in the queue or occupy a worker. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Whether a job that is added now leaves at once. */
  get sendsAtOnce(): boolean {
    return this.#queue.length === 0 && this.#idle.size > 0;
  }

  /** What the workers do now. */
  snapshot(): { size: number; idle: number; queued: number; running: number } {
    const { size } = this.#lanes;
    let idle = size;
    let queued = this.#queue.length;
    let running = 0;
    for (const lane of this.#lanes) {
      const inFlight = lane.snapshot();
      if (lane.inFlight > 0) idle--;
      queued += inFlight.sent;
      running += inFlight.running;
    }
    return { size, idle, queued, running };
  }

  /** Takes a job in, to be sent in its turn. */
  add(job: Job): void {
    this.#outstanding++;
    this.#queue.push(job);
    if (this.#idle.size > 0 || this.#lanes.size === 0) this.#dispatch();
    else if (++this.#sinceDispatch >= PUMP_EVERY) this.#pump();
    else if (!this.#dispatchDue) {
      this.#dispatchDue = true;
      queueMicrotask(() => {
        this.#dispatchDue = false;
        this.#dispatch();
      });
    }
  }

  /**
   * Takes a job out, wherever it is. A job that runs is told of the abort and
   * occupies its worker until it ends.
   */
  abort(job: Job, reason: unknown): void {
    const { flight } = job;
    if (flight === undefined) {
      if (this.#queue.remove(job)) this.#free();
    } else if (flight.takeBack(job)) {
      this.#free();
      this.#noteIdle(flight as Lane);
      this.#dispatch();
    } else {
      flight.abort(job, reason);
    }
  }

  /** Ends all workers and gives back the jobs that have not ended, in order. */
  stop(): Job[] {
    this.#stopped = true;
    clearTimeout(this.#growTimer);
    clearTimeout(this.#lookTimer);
    const jobs: Job[] = this.#finishing.stop();
    for (const lane of this.#lanes) {
      const { started, unstarted } = lane.stop();
      jobs.push(...started, ...unstarted);
      if (lane.isReady) this.#events.workerStopped(lane.workerId);
    }
    this.#lanes.clear();
    this.#idle.clear();
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      jobs.push(job);
    }
    this.#outstanding = 0;
    return jobs;
  }

  #free(): void {
    this.#outstanding--;
    this.#events.freed();
  }

  /** Looks at what the workers have done, without waiting for their word. */
  #pump(): void {
    for (const lane of this.#lanes) {
      this.#collect(lane);
    }
    this.#dispatch();
  }

  #dispatch(): void {
    this.#sinceDispatch = 0;
    for (const lane of this.#idle) {
      if (this.#queue.length === 0) break;
      this.#feed(lane);
    }
    if (this.#queue.length > 0) {
      for (const lane of this.#lanes) this.#feed(lane);
    }
    this.#grow();
  }

  /** Sends a worker as many jobs as it may have before it. */
  #feed(lane: Lane): void {
    const tellsStarts = this.#events.tellsStarts();
    if (this.#stopped || this.#stuck.has(lane)) return;
    if (tellsStarts && !lane.isReady) return;
    const ahead = lane.isReady && !tellsStarts ? this.#pace.ahead : 1;
    // A worker is fed again when half of its jobs are done.
    if (lane.inFlight * 2 > ahead) return;
    let count = Math.min(
      ahead - lane.inFlight,
      lane.room,
      Math.ceil(this.#queue.length / this.#lanes.size),
    );
    while (count > 0) {
      const first = this.#queue.peek();
      if (first === undefined) break;
      if (first.oneAttempt && !this.#idle.has(lane)) break;
      count -= this.#send(lane, count);
    }
    if (lane.waiting > 0) this.#lookSoon();
  }

  /** Sends one message, and tells how many jobs it held. */
  #send(lane: Lane, most: number): number {
    const jobs = [this.#queue.shift()!];
    if (jobs[0].sharesMessage) {
      while (jobs.length < most && this.#queue.peek()?.sharesMessage) {
        jobs.push(this.#queue.shift()!);
      }
    }
    this.#idle.delete(lane);
    try {
      lane.send(jobs);
      if (this.#events.tellsStarts()) {
        this.#events.jobStarted(jobs[0], lane.workerId);
      }
    } catch (error) {
      this.#free();
      this.#noteIdle(lane);
      this.#events.jobLost(jobs[0], error);
    }
    return jobs.length;
  }

  #collect(lane: Lane): void {
    lane.collect();
    this.#noteIdle(lane);
  }

  #noteIdle(lane: Lane): void {
    if (lane.isReady && lane.inFlight === 0 && this.#lanes.has(lane)) {
      this.#idle.add(lane);
    }
  }

  #progress(lane: Lane): void {
    this.#stuck.delete(lane);
    this.#collect(lane);
    if (this.#queue.length === 0 && lane.inFlight === 0) this.#takeBack();
    this.#feed(lane);
    if (lane.inFlight > 0) this.#lookSoon();
  }

  /**
   * Looks at the workers shortly after the last that happened. A worker tells of
   * its results at intervals: those that came after its last word are found so.
   * And what waits behind a job that is long goes back to the queue.
   */
  #lookSoon(): void {
    this.#lookAgain = true;
    this.#lookOnce();
  }

  #lookOnce(): void {
    if (this.#stopped) return;
    this.#lookTimer ??= setTimeout(() => {
      this.#lookTimer = undefined;
      this.#look();
    }, LOOK_AFTER);
  }

  #look(): void {
    const again = this.#lookAgain;
    this.#lookAgain = false;
    for (const lane of this.#lanes) {
      this.#collect(lane);
      if (lane.waiting > 0 && lane.isStuck()) {
        this.#stuck.add(lane);
        this.#requeue(lane.takeBackAll());
      }
    }
    this.#dispatch();
    if (again) this.#lookOnce();
  }

  /** Takes back, for a worker that idles, what waits behind another's job. */
  #takeBack(): void {
    let victim: Lane | undefined;
    for (const lane of this.#lanes) {
      if (lane.waiting > (victim?.waiting ?? 0)) victim = lane;
    }
    if (victim === undefined) return;
    this.#requeue(victim.takeBackAll());
    this.#noteIdle(victim);
  }

  /** Puts jobs back at the front of the queue, in their order. */
  #requeue(jobs: Job[]): void {
    for (const job of jobs.reverse()) this.#queue.unshift(job);
  }

  /** Starts a worker if there is work for it: one at a time, since each start blocks. */
  #grow(): void {
    const wanted = Math.min(this.#outstanding, this.#settings.size);
    if (
      this.#stopped || this.#growTimer !== undefined ||
      this.#lanes.size >= wanted
    ) return;
    this.#spawn();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.#grow();
    });
  }

  #spawn(): void {
    const workerId = this.#freeWorkerId();
    const lane = new Lane(workerId, this.#settings, this.functions, {
      ready: (lane) => {
        this.#noteIdle(lane);
        this.#events.workerStarted(workerId);
        if (this.#queue.length === 0 && lane.inFlight === 0) this.#takeBack();
        this.#dispatch();
      },
      progress: (lane) => this.#progress(lane),
      value: (job, value, start, end) => {
        this.#outstanding--;
        this.#pace.note(end - start);
        this.#events.jobValue(job, value, start, end);
        this.#events.freed();
      },
      ended: (job, ending, start, end) => {
        this.#outstanding--;
        this.#pace.note(end - start);
        if (job.extras?.connections === undefined) {
          this.#events.jobEnded(job, ending, start, end);
          this.#events.freed();
          return;
        }
        this.#events.freed();
        // The worker is free meanwhile.
        this.#finishing.finish(job, lane.releaseConnections(job)).then(() => {
          this.#events.jobEnded(job, ending, start, end);
        });
      },
      died: (lane, cause) => this.#died(lane, cause),
    });
    this.#lanes.add(lane);
    // Its first job arrives with it, or is taken back for a worker that idles.
    this.#feed(lane);
  }

  #freeWorkerId(): number {
    const taken = new Set(Array.from(this.#lanes, (lane) => lane.workerId));
    let id = 1;
    while (taken.has(id)) id++;
    return id;
  }

  #died(lane: Lane, cause: unknown): void {
    this.#lanes.delete(lane);
    this.#idle.delete(lane);
    this.#stuck.delete(lane);
    const { started, unstarted } = lane.stop();
    const { lost = [], kept = [] } = Object.groupBy(
      unstarted,
      (job) => job.oneAttempt || this.#stopped ? "lost" : "kept",
    );
    lost.push(...started);
    // All jobs have their place again before anyone hears of it, and may do anything.
    this.#requeue(kept);
    for (const _ of lost) this.#free();
    this.#events.workerDied(lane.workerId, cause);
    if (lane.isReady) this.#events.workerStopped(lane.workerId);
    else this.#events.startFailed(cause);
    for (const job of lost) {
      this.#events.jobCrashed(job, started.includes(job), cause);
    }
    this.#dispatch();
  }
}
