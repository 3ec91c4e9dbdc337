// Decides which worker gets which jobs, and when another worker starts.

import { setImmediate } from "node:timers";
import { WorkerCrashedError } from "../errors.ts";
import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { FunctionTable } from "../job/functions.ts";
import { HeadStart } from "./head_start.ts";
import { isLarge, type Job, sizeOf } from "../job/job.ts";
import { Lane, type LaneSettings } from "./lane.ts";
import { LOOK_AFTER, LookTimer } from "./look_timer.ts";
import { Overruns } from "./overruns.ts";
import { Pace } from "./pace.ts";
import { Processes } from "../process/processes.ts";
import { JobQueue } from "../job/queue.ts";
import type { Isolation } from "../options.ts";
import { type ReturnEvents, Returns } from "./returns.ts";
import { Roster } from "./roster.ts";
import type { JobRun } from "../job/settlement.ts";
import { Silence } from "./silence.ts";

/** What the dispatcher needs to know. */
export interface DispatcherSettings extends Omit<LaneSettings, "processes"> {
  isolation: Isolation;
  execArgv: readonly string[];
  size: number;
  /** How many ms a job has to end, once it was told to. */
  abortGrace: number;
}

/** What the dispatcher tells the pool. */
export interface DispatcherEvents extends ReturnEvents {
  /** Whether anybody wants to hear of the starts of jobs. */
  tellsStarts(): boolean;
  jobStarted(job: Job, workerId: number): void;
  /** A job no longer occupies the queue or a worker: there may be room. */
  freed(): void;
  /** No job is in the queue or in a worker. */
  emptied(): void;
  /** A job could not be sent. */
  jobLost(job: Job, error: unknown): void;
  /** A job has executed for as long as it may. */
  jobTimedOut(job: Job): void;
  /** A job's worker died, or was stopped; it tells how the job ran if it had started. */
  jobCrashed(job: Job, run: JobRun | undefined, cause: unknown): void;
  workerStarted(workerId: number): void;
  workerStopped(workerId: number): void;
  workerDied(workerId: number, cause: unknown): void;
  /** A worker, or its job, was told to end, and has not. */
  workerLost(workerId: number): void;
  /** A worker has posted what is not of the pool. */
  workerForged(workerId: number): void;
  /** A worker could not even start. */
  startFailed(cause: unknown): void;
}

/** So many ms of work are worth being taken back for a worker that idles. */
const WORTH_TAKING = 0.2;

/** So many ms of work are worth to wake a worker for, while another is awake. */
const WORTH_WAKING = 0.2;

/** Main lets others have their turn after a large job that took it so many ms to send. */
const LONG_SEND = 1;

/** How many jobs the caller may have in progress. */
const CALLER_CONCURRENCY = 1024;
/** By which number its thread goes. */
const CALLER_ID = 0;

/** So many bytes of jobs share a message. */
const MOST_BYTES = 256 * 1024;

/** Why a worker is stopped whose job was left alone, and goes on though it hears that it is to end. */
const IGNORED =
  "A job did not end though it was told to, and its worker was stopped";

/** How often a caller that submits without a pause is interrupted to feed the workers. */
const PUMP_EVERY = 256;

/** The queue and the workers that share it. */
export class Dispatcher {
  readonly functions = new FunctionTable();
  readonly #settings: DispatcherSettings;
  /** Where each worker is a process. */
  readonly #processes: Processes | undefined;
  readonly #events: DispatcherEvents;
  readonly #queue = new JobQueue();
  readonly #returns: Returns;
  readonly #pace = new Pace();
  readonly #headStart = new HeadStart(() => this.#dispatch());
  readonly #roster: Roster;
  readonly #lanes: ReadonlySet<Lane>;
  /** Where the caller executes jobs itself. */
  #caller: Lane | undefined;
  /** Lanes that are ready and have nothing in flight. */
  readonly #idle = new Set<Lane>();
  /** Jobs in the queue or in flight. */
  #outstanding = 0;
  #sinceDispatch = 0;
  /** When it will dispatch. */
  readonly #dispatchDue = new Set<(callback: () => void) => void>();
  readonly #looking = new LookTimer(() => this.#look());
  readonly #overruns: Overruns;
  readonly #silence: Silence;
  /** Lanes whose worker has been at one job for long: they are sent nothing. */
  readonly #stuck = new Set<Lane>();
  readonly #lastGraces = new Map<Lane, ReturnType<typeof setTimeout>>();
  /** Whether nothing is sent before the next turn of the event loop. */
  #isPausing = false;
  #keepsProcess = true;
  #stopped = false;
  #gone: Promise<void> | undefined;

  constructor(settings: DispatcherSettings, events: DispatcherEvents) {
    this.#settings = settings;
    if (settings.isolation === "process") {
      this.#processes = new Processes(settings);
    }
    this.#events = events;
    this.#returns = new Returns(events);
    this.#roster = new Roster(settings.size, {
      open: (workerId) => this.#open(workerId),
      // Its first job arrives with it, or is taken back for a worker that idles.
      opened: (lane) => this.#feed(lane),
      workerLost: (workerId) => events.workerLost(workerId),
      crowded: (lane) => this.#stop(lane, new Error(IGNORED)),
      threadsLeft: () => this.#grow(),
    });
    this.#lanes = this.#roster.lanes;
    this.#overruns = new Overruns(settings.abortGrace, this.#lanes, {
      collect: (lane) => this.#collect(lane),
      hold: (lane) => {
        this.#requeue(lane.takeBackAll());
        this.#collect(lane);
        this.#dispatchSoon(queueMicrotask);
      },
      timedOut: (job) => events.jobTimedOut(job),
      ignored: (job, lane) => this.#endIgnored(job, lane),
    });
    this.#silence = new Silence(this.#lanes, {
      collect: (lane) => this.#collect(lane),
      silent: (lane) => {
        this.#bypass(lane);
        this.#dispatch();
      },
      unresponsive: (lane, ms) => {
        const message = `The worker did nothing for ${ms} ms, and was stopped`;
        this.#stop(lane, new Error(message));
      },
    });
  }

  /** How many jobs wait in the queue or occupy a worker. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /**
   * Whether a job that is added now leaves at once. Does not ask what the workers
   * are at, which may be something else a moment later.
   */
  get sendsAtOnce(): boolean {
    return this.#queue.length === 0 && this.#idle.size > 0 &&
      !this.#isPausing &&
      (this.#idle.size === this.#lanes.size || this.#pace.mean >= WORTH_WAKING);
  }

  /** How many threads go on now though they, or their jobs, were told to end. */
  get lost(): number {
    return this.#roster.lost;
  }

  /** Lets the process end, or no longer, while the pool has nothing to do. */
  keepProcess(keeps: boolean): void {
    if (this.#stopped || this.#keepsProcess === keeps) return;
    this.#keepsProcess = keeps;
    this.#roster.keepProcess(keeps);
    if (keeps) return this.#silence.watch();
    this.#silence.pause();
    this.#overruns.pause();
    this.#looking.pause();
  }

  /** Where and since when a job runs, if it does. */
  runOf(job: Job): JobRun | undefined {
    const { flight } = job;
    return flight instanceof Lane && flight.hasStarted(job)
      ? flight.runOf(job)
      : undefined;
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
    const here = this.#caller?.snapshot();
    queued += here?.sent ?? 0;
    running += here?.running ?? 0;
    return { size, idle, queued, running };
  }

  /** Takes a job in, to be sent in its turn. */
  add(job: Job): void {
    if (!this.#keepsProcess) this.keepProcess(true);
    this.#outstanding++;
    this.#queue.push(job);
    const departures = job.extras?.departures;
    if (departures) {
      departures.whenReady(this.#dispatchAtEnd);
      this.#dispatchSoon(atEndOfTurn);
    } else if (this.#mayStartAtOnce) this.#dispatch();
    else if (++this.#sinceDispatch >= PUMP_EVERY) this.#pump();
    else this.#dispatchSoon(queueMicrotask);
  }

  /** Lets the caller execute a job itself; `false` if it has too much to do for that. */
  executeHere(job: Job): boolean {
    this.#caller ??= this.#open(CALLER_ID);
    if (this.#caller.room === 0) return false;
    if (!this.#keepsProcess) this.keepProcess(true);
    this.#outstanding++;
    this.#post(this.#caller, [job]);
    return true;
  }

  readonly #dispatchAtEnd = (): void => this.#dispatchSoon(atEndOfTurn);

  /** Dispatches once, at the first of the times that it was asked to. */
  #dispatchSoon(when: (callback: () => void) => void): void {
    if (this.#dispatchDue.has(when)) return;
    this.#dispatchDue.add(when);
    when(() => {
      this.#dispatchDue.delete(when);
      this.#dispatch();
    });
  }

  /**
   * Takes a job out, wherever it is. A job that runs is told of the abort, and
   * occupies its worker until it ends, or its grace is over.
   */
  abort(job: Job, reason: unknown): void {
    if (this.#takeOut(job)) return;
    const { flight } = job;
    if (flight instanceof Lane) this.#overruns.abort(job, flight, reason);
    else flight?.abort(job, reason);
  }

  /** Whether any job has not started. */
  get hasWaiting(): boolean {
    return this.#oldest() !== undefined;
  }

  /** The job that has waited longest, as far as is known. */
  #oldest(): Job | undefined {
    let oldest = this.#queue.peek();
    for (const lane of this.#lanes) {
      const job = lane.firstUnstarted();
      if (job && job.id < (oldest?.id ?? Infinity)) oldest = job;
    }
    return oldest;
  }

  /** Takes out the job that has waited longest, if any waits. */
  takeOldest(): Job | undefined {
    const oldest = this.#oldest();
    if (oldest === undefined) return undefined;
    // It may have started just now: then the next one is the oldest.
    return this.#takeOut(oldest) ? oldest : this.takeOldest();
  }

  /** Takes out a job that has not started; `false` if it has. */
  #takeOut(job: Job): boolean {
    const { flight } = job;
    if (flight === undefined) {
      if (this.#queue.remove(job)) this.#free();
      return true;
    }
    if (!flight.takeBack(job)) return false;
    this.#free();
    this.#noteIdle(flight as Lane);
    this.#dispatch();
    return true;
  }

  /** Why a job has no prospect of being executed soon, if that is so. */
  get breakdown(): { deaths: number; delay: number } | undefined {
    if (this.#lanes.size > 0) return undefined;
    const { breakdown } = this.#roster;
    return breakdown.delay > 0 ? breakdown : undefined;
  }

  /** Ends all workers, for this reason, and gives back the jobs that have not ended, in order. */
  stop(reason: unknown): Job[] {
    this.#stopped = true;
    this.#looking.stop();
    this.#overruns.stop();
    this.#silence.stop();
    this.#headStart.stop();
    this.#lastGraces.forEach((timer) => clearTimeout(timer));
    const jobs: Job[] = this.#returns.stop(reason);
    for (const lane of this.#roster.stop()) {
      const { started, unstarted } = this.#roster.remove(lane, reason);
      jobs.push(...started, ...unstarted);
      if (lane.isReady) this.#events.workerStopped(lane.workerId);
    }
    if (this.#caller) {
      const { started, unstarted } = this.#caller.stop(reason);
      jobs.push(...started, ...unstarted);
    }
    // Some have only now been found to have ended.
    jobs.push(...this.#returns.stop(reason));
    this.#idle.clear();
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      jobs.push(job);
    }
    this.#outstanding = 0;
    this.#gone = this.#processes?.stop();
    return jobs;
  }

  /** Once stopped: resolves when its processes are gone, where there are any. */
  get gone(): Promise<void> | undefined {
    return this.#gone;
  }

  #free(): void {
    this.#countDown();
    this.#events.freed();
  }

  #countDown(): void {
    if (--this.#outstanding === 0) this.#events.emptied();
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
    if (this.#isPausing) return;
    // One that is back needs nobody in its place.
    if (this.#roster.hasAbandoned) this.#lookAtAbandoned();
    for (const lane of this.#idle) {
      if (this.#queue.length === 0 || !this.#isWorthWaking()) break;
      this.#feed(lane);
    }
    if (this.#queue.length > 0) {
      for (const lane of this.#byLoad()) {
        if (!this.#idle.has(lane)) this.#feed(lane);
      }
    }
    this.#grow();
  }

  /** Whether a worker that idles, or none yet, is to be given the next job at once. */
  get #mayStartAtOnce(): boolean {
    if (this.#isPausing) return false;
    return this.#lanes.size === 0 ||
      this.#idle.size > 0 && this.#isWorthWaking();
  }

  /**
   * Whether to wake a worker that idles: that costs more than a few small jobs,
   * which one that is awake will have done by then.
   */
  #isWorthWaking(): boolean {
    if (!this.#isAnyAwake()) return true;
    if (this.#queue.length * this.#pace.mean >= WORTH_WAKING) return true;
    if (performance.now() - this.#queue.peek()!.submitted >= LOOK_AFTER) {
      return true;
    }
    this.#looking.soon();
    return false;
  }

  #isAnyAwake(): boolean {
    for (const lane of this.#lanes) {
      if (!this.#idle.has(lane) && !lane.isHeldUp(WORTH_WAKING)) return true;
    }
    return false;
  }

  /** The lanes, where they take several jobs at once those first that have fewer. */
  #byLoad(): Iterable<Lane> {
    return this.#settings.concurrency === 1
      ? this.#lanes
      : [...this.#lanes].sort((a, b) => a.inFlight - b.inFlight);
  }

  /** Sends a worker as many jobs as it may have before it. */
  #feed(lane: Lane): void {
    if (this.#stopped || this.#isPausing) return;
    if (this.#stuck.has(lane) || !this.#lanes.has(lane)) return;
    if (this.#mayBeStopped(lane)) return;
    const { concurrency, hardKill } = this.#settings;
    // Not before it is known that its thread can be killed.
    if (hardKill && !lane.isReady) return;
    const ahead = lane.isReady ? Math.max(this.#pace.ahead, concurrency) : 1;
    // A worker is fed again when half of its jobs are done.
    if (lane.inFlight >= concurrency && lane.inFlight * 2 > ahead) return;
    let count = Math.min(
      ahead - lane.inFlight,
      lane.room,
      // Its part, or what would not be worth to wake another worker for.
      Math.max(
        Math.ceil(this.#queue.length / this.#lanes.size),
        Math.ceil(WORTH_WAKING / this.#pace.mean),
      ),
      this.#queue.length,
    );
    // A message is worth its cost to a worker that has jobs if it brings no fewer.
    if (lane.inFlight >= concurrency && count < lane.inFlight) return;
    while (count > 0) {
      const first = this.#queue.peek();
      if (first === undefined) break;
      if (first.oneAttempt && !this.#startsAtOnce(lane)) break;
      if (isLarge(first) && !lane.isReady || !lane.takes(first)) break;
      if (this.#headStart.has(first)) break;
      count -= this.#send(lane, count);
      if (this.#isPausing) break;
    }
    if (lane.waiting > 0) this.#looking.soon();
  }

  /** Whether a worker may be stopped for one of its jobs, and others with that. */
  #mayBeStopped(lane: Lane): boolean {
    const { concurrency, abortGrace } = this.#settings;
    return concurrency > 1 && abortGrace < Infinity && lane.isOverrun;
  }

  /** Whether a job that a worker is sent now waits for no other. */
  #startsAtOnce(lane: Lane): boolean {
    return lane.isReady && lane.inFlight < this.#settings.concurrency;
  }

  /** Sends one message, and tells how many jobs it held. */
  #send(lane: Lane, most: number): number {
    const jobs = [this.#queue.shift()!];
    let bytes = sizeOf(jobs[0]);
    while (jobs.length < most && bytes < MOST_BYTES) {
      const next = this.#queue.peek();
      if (!next?.sharesMessageWith(jobs[0]) || this.#headStart.has(next)) break;
      bytes += sizeOf(next);
      jobs.push(this.#queue.shift()!);
    }
    this.#idle.delete(lane);
    this.#post(lane, jobs);
    return jobs.length;
  }

  #post(lane: Lane, jobs: Job[]): void {
    try {
      const { shortestTimeout, spent } = lane.send(jobs);
      this.#overruns.expect(shortestTimeout);
      this.#silence.watch();
      if (spent > LONG_SEND && isLarge(jobs[0])) this.#pause();
      if (this.#events.tellsStarts()) this.#looking.soon();
    } catch (error) {
      this.#noteIdle(lane);
      for (const job of jobs) {
        this.#free();
        this.#events.jobLost(job, error);
      }
    }
  }

  /** Lets others have their turn before more is sent. */
  #pause(): void {
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      if (!this.#stopped) this.#dispatch();
    });
  }

  #collect(lane: Lane): void {
    lane.collect();
    if (this.#events.tellsStarts()) this.#tellStarts(lane);
    if (lane.isGrown) this.#requeue(lane.takeBackAll());
    this.#noteIdle(lane);
  }

  #tellStarts(lane: Lane): void {
    for (const job of lane.startsToTell()) {
      this.#events.jobStarted(job, lane.workerId);
    }
  }

  #noteIdle(lane: Lane): void {
    if (!lane.isReady || lane.inFlight > 0 || !this.#lanes.has(lane)) return;
    // Something else than a job may hold its worker, until it tells something.
    if (this.#stuck.has(lane)) return;
    if (lane.isSpent) this.#retire(lane);
    else this.#idle.add(lane);
  }

  /** Gives a worker no more jobs, and lets another one take its place. */
  #retire(lane: Lane): void {
    this.#idle.delete(lane);
    this.#stuck.delete(lane);
    this.#roster.retire(lane);
    if (this.#seeOff()) this.#looking.soon();
    this.#grow();
  }

  /** Ends workers for which nothing is left to do; whether there are others. */
  #seeOff(): boolean {
    const { retiring } = this.#roster;
    const done = retiring.filter((lane) => lane.isDone);
    for (const lane of done) {
      this.#roster.remove(lane, undefined);
      this.#events.workerStopped(lane.workerId);
    }
    return done.length < retiring.length;
  }

  #progress(lane: Lane): void {
    if (lane.abandoned !== undefined) return void this.#lookAtAbandoned();
    this.#stuck.delete(lane);
    this.#collect(lane);
    if (this.#queue.length === 0 && lane.inFlight === 0) this.#takeBack();
    this.#feed(lane);
    if (lane.inFlight > 0) this.#looking.soon();
  }

  /** Looks at the workers; what waits behind a job that is long goes back to the queue. */
  #look(): boolean {
    let again = this.#seeOff();
    for (const lane of this.#lanes) {
      this.#collect(lane);
      again ||= lane.mayHaveMore ||
        this.#events.tellsStarts() && lane.mayStart;
      if (lane.waiting === 0) continue;
      if (lane.isStuck()) {
        this.#bypass(lane);
      } else again ||= this.#idle.size > 0;
    }
    this.#dispatch();
    return again;
  }

  /** Gives what waits before a worker to others, until it tells something. */
  #bypass(lane: Lane): void {
    this.#stuck.add(lane);
    this.#idle.delete(lane);
    this.#requeue(lane.takeBackWaiting(this.#idle.size > 0));
  }

  /** Takes back, for a worker that idles, what waits behind another's job. */
  #takeBack(): void {
    let victim: Lane | undefined;
    for (const lane of this.#lanes) {
      if (this.#stuck.has(lane)) {
        const jobs = lane.takeBackWaiting(true);
        if (jobs.length > 0) return this.#requeue(jobs);
      }
      if (lane.waiting > (victim?.waiting ?? 0)) victim = lane;
    }
    if (victim === undefined) return;
    const time = victim.waiting * this.#pace.mean;
    // Small jobs that are few are done sooner than they are sent again, but a
    // start may take any time.
    if (victim.isReady && time < WORTH_TAKING) return;
    this.#requeue(victim.takeBackWaiting(true));
    this.#noteIdle(victim);
  }

  /** Puts jobs back at the front of the queue, in their order. */
  #requeue(jobs: Job[]): void {
    for (const job of jobs.reverse()) this.#queue.unshift(job);
  }

  /** Starts a worker if there is work for it. */
  #grow(): void {
    this.#roster.grow(() => this.#outstanding);
  }

  #open(workerId: number): Lane {
    const isCaller = workerId === CALLER_ID;
    const { concurrency } = this.#settings;
    const settings = {
      ...this.#settings,
      concurrency: isCaller ? CALLER_CONCURRENCY : concurrency,
      processes: this.#processes,
    };
    return new Lane(workerId, settings, this.functions, {
      ready: (lane) => {
        if (isCaller) return;
        this.#roster.started();
        this.#noteIdle(lane);
        this.#events.workerStarted(workerId);
        if (this.#queue.length === 0 && lane.inFlight === 0) this.#takeBack();
        this.#dispatch();
        // What waits behind a long job may have found no worker before.
        this.#looking.soon();
      },
      progress: (lane) => this.#progress(lane),
      flowed: () => this.#looking.soon(),
      value: (lane, job, value, start, end) => {
        this.#left(lane, job, end - start);
        this.#returns.value(job, value, workerId, start, end);
        this.#events.freed();
      },
      ended: (lane, job, outcome, start, end, streams) => {
        this.#left(lane, job, end - start);
        this.#returns.ended(job, outcome, workerId, start, end, streams);
        this.#events.freed();
      },
      forged: () => this.#events.workerForged(workerId),
      died: (lane, cause) => this.#died(lane, cause),
    }, isCaller);
  }

  /** A job has left its worker, which it took so many ms. */
  #left(lane: Lane, job: Job, time: number): void {
    if (this.#events.tellsStarts() && lane.isUntold(job)) {
      this.#events.jobStarted(job, lane.workerId);
    }
    this.#countDown();
    this.#pace.note(time);
    this.#roster.worked();
  }

  /** A job has not ended, though it was told to. */
  #endIgnored(job: Job, lane: Lane): void {
    // Of a loop in a thread that can only be told to end, nothing else is harmed.
    const mayStay = !this.#settings.hardKill && !this.#processes &&
      lane.inFlight === 1 && lane.isDeaf;
    if (!mayStay) return this.#stopFor(job, lane);
    this.#idle.delete(lane);
    this.#stuck.delete(lane);
    lane.abandon(job);
    this.#roster.abandon(lane);
    this.#free();
    this.#dispatch();
  }

  /** Workers that have ended the jobs with which they were left alone take jobs again. */
  #lookAtAbandoned(): void {
    for (const lane of this.#roster.abandoned) {
      if (lane.abandoned === "hears") this.#giveLastGrace(lane);
      if (lane.abandoned !== "is back") continue;
      this.#roster.welcome(lane);
      this.#progress(lane);
      this.#seeOff();
    }
  }

  /** A worker that was left alone hears, late, that its job is to end. */
  #giveLastGrace(lane: Lane): void {
    if (this.#lastGraces.has(lane)) return;
    const timer = setTimeout(() => {
      this.#lastGraces.delete(lane);
      if (lane.abandoned === "hears") this.#stop(lane, new Error(IGNORED));
    }, this.#settings.abortGrace);
    this.#lastGraces.set(lane, timer);
  }

  /** Stops a worker for a job that has not ended, though it was told to. */
  #stopFor(job: Job, lane: Lane): void {
    const { name } = job.fn;
    const { abortGrace } = this.#settings;
    this.#stop(
      lane,
      new Error(
        `Job "${name}" did not end within ${abortGrace} ms after it was told to, and its worker was stopped`,
      ),
    );
  }

  /** A worker has died by itself. */
  #died(lane: Lane, cause: unknown): void {
    if (lane === this.#caller) return this.#events.startFailed(cause);
    this.#stop(lane, cause, (hasWorked) => {
      const isOfNoUse = this.#roster.died(lane.isReady, hasWorked);
      this.#events.workerDied(lane.workerId, cause);
      if (isOfNoUse) this.#events.startFailed(cause);
    });
  }

  /**
   * Ends a worker, for this reason, and lets another one take its place.
   *
   * @param tell Is called once all its jobs have a place again: whoever hears of it may do anything
   */
  #stop(
    lane: Lane,
    cause: unknown,
    tell?: (hasWorked: boolean) => void,
  ): void {
    if (!this.#roster.has(lane)) return;
    this.#idle.delete(lane);
    this.#stuck.delete(lane);
    const { started, unstarted } = this.#roster.remove(
      lane,
      new WorkerCrashedError("The worker died", { cause, started: true }),
    );
    const { lost = [], kept = [] } = Object.groupBy(
      unstarted,
      (job) => job.oneAttempt ? "lost" : "kept",
    );
    lost.push(...started);
    this.#requeue(kept);
    for (const _ of lost) this.#free();
    tell?.(lane.hasWorked || started.length > 0);
    if (lane.isReady) this.#events.workerStopped(lane.workerId);
    for (const job of lost) {
      const run = started.includes(job) ? lane.runOf(job) : undefined;
      this.#events.jobCrashed(job, run, cause);
    }
    this.#dispatch();
  }
}
