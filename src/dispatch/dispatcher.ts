// The entry points to the queue and the workers: accepts jobs, and handles
// everything that happens to them until they have left.

import { atEndOfTurn } from "../flow/end_of_turn.ts";
import type { Job } from "../job/job.ts";
import { JobQueue } from "../job/queue.ts";
import type { Work } from "../job/stats.ts";
import { Processes } from "../process/processes.ts";
import { callOutside } from "../values/async_context.ts";
import { CALLER, settingsOf } from "./caller.ts";
import { Due } from "./due.ts";
import { Endings } from "./endings.ts";
import { Feeder } from "./feeder.ts";
import { Health } from "./health.ts";
import { checkAll } from "./invariants.ts";
import { openThread } from "./open_thread.ts";
import { Pace, UNHURRIED } from "./pace.ts";
import type { DispatcherParts, DispatcherSettings, Shared } from "./parts.ts";
import { Precedence } from "./precedence.ts";
import { Scaling } from "./scaling.ts";
import { Sizing } from "./sizing.ts";
import { activities, snapshot } from "./snapshot.ts";
import { Supervisor } from "./supervisor.ts";
import { DeadlockDetector } from "./deadlock.ts";
import { type Look, Watch } from "./watch.ts";
import { PoolWorker, type Remains } from "./worker.ts";
import { Workers } from "./workers.ts";

/** Number of jobs that a caller can add in a row before the workers are fed. */
const PUMP_EVERY = 256;

/** The queue, and the workers that share it. */
export class Dispatcher {
  readonly #settings: DispatcherSettings;
  readonly #parts: DispatcherParts;
  readonly #processes: Processes | undefined;
  readonly #queue = new JobQueue();
  readonly #precedence: Precedence;
  readonly #endings: Endings;
  readonly #workers: Workers;
  readonly #watch: Watch;
  readonly #supervisor: Supervisor;
  readonly #feeder: Feeder;
  /** The worker that executes jobs on the caller's thread. */
  #caller: PoolWorker | undefined;
  #sinceDispatch = 0;
  readonly #dispatchDue = new Due(() => this.#dispatch());
  #keepsProcess = false;
  readonly scaling: Scaling;
  readonly deadlocks: DeadlockDetector;
  /** Error for all jobs, once the pool has ended. */
  #refusal: (() => Error) | undefined;

  constructor(settings: DispatcherSettings, parts: DispatcherParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#watch = new Watch((look) => this.#look(look), settings);
    if (settings.isolation === "process") {
      this.#processes = new Processes(settings);
    }
    const shared: Shared = {
      ...parts,
      settings,
      queue: this.#queue,
      sizing: new Sizing(settings),
      pace: settings.onCallerThread ? UNHURRIED : new Pace(),
      health: new Health(),
      watch: this.#watch,
    };
    const endings = this.#endings = new Endings(shared);
    const workers = this.#workers = new Workers({
      ...shared,
      // Later events of the thread must not run in this caller's async context.
      make: (id) => callOutside(() => this.#make(id)),
      made: (worker) => this.#feeder.feed(worker),
    });
    const all = { ...shared, endings, workers };
    const onFree = () => {
      this.#dispatchDue.at(queueMicrotask);
      this.deadlocks.onKeyFree?.();
    };
    this.#precedence = new Precedence({ ...all, onFree });
    this.#supervisor = new Supervisor(all);
    this.deadlocks = new DeadlockDetector(all);
    this.scaling = new Scaling({
      ...all,
      keepProcess: () => this.keepProcess(true),
      dispatch: () => this.#dispatch(),
    });
    this.#feeder = new Feeder({ ...all, onTime: () => this.#dispatch() });
  }

  #make(id: number): PoolWorker {
    const { functions, events } = this.#parts;
    return new PoolWorker(id, settingsOf(id, this.#settings), {
      open: (settings, events) => openThread(settings, events, this.#processes),
      isRemote: this.#processes !== undefined,
      functions,
      endings: this.#endings,
      events,
      ready: (worker) => id === CALLER || this.#ready(worker),
      heard: (worker) => this.#heard(worker),
      expectAnswer: () => this.#watch.soon(),
      died: (worker, cause) => this.#died(worker, cause),
    });
  }

  /** Handles a worker that has imported the module. */
  #ready(worker: PoolWorker): void {
    this.#workers.ready(worker);
    this.#supervisor.collect(worker);
    if (!this.#workers.active.has(worker)) return this.#dispatch();
    this.#feeder.takeBackForReady(worker);
    this.#feeder.takeBackFor(worker);
    this.#dispatch();
    // Jobs behind a long job may have had no other worker before.
    this.#watch.soon();
  }

  /** Handles a message from a worker. */
  #heard(worker: PoolWorker): void {
    if (worker === this.#caller) return this.#supervisor.collect(worker);
    this.#workers.release(worker);
    this.#supervisor.collect(worker);
    // A lost worker may be back.
    if (!this.#workers.active.has(worker)) return this.#dispatch();
    this.#feeder.takeBackFor(worker);
    this.#feeder.feed(worker);
    if (worker.jobs.length > 0) this.#watch.soon();
  }

  /** Handles a worker that has died by itself. */
  #died(worker: PoolWorker, cause: unknown): void {
    const isOfNoUse = worker === this.#caller ||
      this.#supervisor.died(worker, cause);
    if (isOfNoUse) this.#parts.onBroken(cause);
    else this.#dispatch();
  }

  /** Checks the workers, without waiting for their messages. */
  #look(look: Look): void {
    const watch = this.#watch;
    const { active, idle } = this.#workers;
    if (look.isDue("idle")) this.scaling.endUnneeded(look.now);
    for (const worker of [...active]) {
      this.#supervisor.look(worker, look);
      const mayGoUnheard = worker.mayHaveUnreadResults ||
        this.#endings.wantsStarts && worker.mayStart ||
        idle.length > 0 && worker.state === "busy" && worker.waiting > 0;
      if (mayGoUnheard) watch.soon(1);
    }
    this.#dispatch();
  }

  /** Sends jobs to workers, and starts and ends workers as needed. */
  #dispatch(): void {
    this.#sinceDispatch = 0;
    // Jobs can come back from a worker while a callback ends the pool.
    if (this.#refusal) return this.#failQueued(this.#refusal);
    const workers = this.#workers;
    if (workers.inactive.size > 0) this.#supervisor.lookAtInactive();
    this.#feeder.feedAll();
    if (this.#precedence.takeBackLower()) this.#feeder.feedAll();
    workers.grow();
    if (workers.isCrowded) this.#supervisor.endLost();
    this.scaling.finishIfDone();
    checkAll(this.#queue, workers, this.#parts.room);
  }

  /** Collects results from the workers, without waiting for their messages. */
  #pump(): void {
    for (const worker of this.#workers.active) this.#supervisor.collect(worker);
    this.#dispatch();
  }

  /** Whether a job that is added now is sent at once. */
  get sendsAtOnce(): boolean {
    return this.#feeder.sendsAtOnce;
  }

  /** Returns what the workers are doing now, in numbers. */
  snapshot(): Work {
    const now = this.#settings.now();
    return snapshot(this.#queue, this.#workers, this.#caller, now);
  }

  /** Returns what each worker is doing now. */
  activities() {
    return activities(this.#workers, this.#caller);
  }

  /** Sets whether the pool keeps the process running. */
  keepProcess(keeps: boolean): void {
    if (this.#refusal || this.#keepsProcess === keeps) return;
    this.#keepsProcess = keeps;
    this.#workers.keepProcess(keeps);
    if (keeps) this.#watch.resume();
    else this.#watch.pause();
  }

  /** Accepts a job, and sends it in its turn. */
  add(job: Job): void {
    this.keepProcess(true);
    this.#parts.room.enter();
    this.#precedence.enter(job);
    this.#queue.push(job);
    const cargo = job.extras?.cargo;
    if (cargo) {
      cargo.whenReady?.(this.#dispatchAtEnd);
      this.#dispatchDue.at(atEndOfTurn);
    } else if (this.#feeder.mayStartAtOnce) this.#dispatch();
    else if (++this.#sinceDispatch >= PUMP_EVERY) this.#pump();
    else this.#dispatchDue.at(queueMicrotask);
  }

  /** Executes a job on the caller's thread; `false` if it is full or the key is in use. */
  executeOnCaller(job: Job): boolean {
    this.#caller ??= callOutside(() => this.#make(CALLER));
    if (this.#caller.room === 0) return false;
    if (this.#precedence.isBehind(job)) return false;
    this.keepProcess(true);
    this.#parts.room.enterCaller();
    this.#precedence.enter(job);
    this.#feeder.post(this.#caller, [job]);
    return true;
  }

  readonly #dispatchAtEnd = (): void => this.#dispatchDue.at(atEndOfTurn);

  /**
   * Removes a job, wherever it is. A running job is notified of the abort, and
   * occupies its worker until it ends or its grace is over.
   */
  abort(job: Job, reason: unknown): void {
    const { settlement } = this.#parts;
    if (this.takeOut(job)) return settlement.abort(job, reason);
    const worker = job.worker as PoolWorker | undefined;
    const run = worker && this.#supervisor.abort(job, worker, reason);
    settlement.abort(job, reason, run);
  }

  /** Whether a job waits that can make room for a job of this priority. */
  hasWaiting(priority: number): boolean {
    return (this.#precedence.oldest()?.priority ?? Infinity) <= priority;
  }

  /** Removes and returns the job that makes room first, if any job waits. */
  takeOldest(): Job | undefined {
    let oldest: Job | undefined;
    // If that job has just started, the next one is the oldest.
    while ((oldest = this.#precedence.oldest()) && !this.takeOut(oldest));
    return oldest;
  }

  /** Removes a job that has not started; `false` if it has started. */
  takeOut(job: Job): boolean {
    const worker = job.worker as PoolWorker | undefined;
    if (worker === undefined) {
      if (!this.#queue.remove(job)) return false;
    } else if (!worker.takeBack(job)) return false;
    this.#parts.room.leave(worker?.isCaller);
    this.#parts.room.release();
    if (worker === undefined) return true;
    this.#workers.update(worker);
    this.#dispatch();
    return true;
  }

  /** Runs a job alongside jobs of a worker that wait for it; `false` if impossible. */
  sendAside(job: Job, worker: PoolWorker): boolean {
    this.#dispatchDue.at(queueMicrotask);
    return this.#feeder.sendAside(job, worker);
  }

  /** Deaths in a row, and ms until the next start, if no worker is active. */
  get breakdown(): { deaths: number; delay: number } | undefined {
    return this.#workers.breakdown;
  }

  /**
   * Ends all workers, and rejects the jobs that have not ended, in order.
   *
   * @returns Resolves when the pool's processes are gone, if it has any
   */
  stop(refusal: () => Error): Promise<void> | undefined {
    this.#refusal = refusal;
    this.#watch.stop();
    this.#feeder.stop();
    const { settlement, room } = this.#parts;
    settlement.failClosing(refusal);
    const ended: [PoolWorker, Remains][] = [];
    for (const worker of this.#workers.stop()) {
      ended.push([worker, this.#workers.end(worker, refusal())]);
      this.#workers.tellGone(worker);
    }
    const caller = this.#caller;
    if (caller) ended.push([caller, caller.stop(refusal())]);
    room.clear();
    // Collecting the last results may have added jobs to these.
    settlement.failClosing(refusal);
    for (const [worker, remains] of ended) {
      this.#endings.failAll(worker, remains, refusal);
    }
    this.#failQueued(refusal);
    return this.#processes?.stop();
  }

  #failQueued(refusal: () => Error): void {
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      this.#parts.settlement.fail(job, refusal());
    }
  }
}
