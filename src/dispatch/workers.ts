// The workers of a pool, each in one state: starts them one at a time, changes
// their states, and ends them.

import { clearTimeout, setTimeout } from "node:timers";
import { LeavingThreads } from "../threads/leaving_threads.ts";
import { assertInvariant } from "./invariants.ts";
import type { Shared } from "./parts.ts";
import { Spares } from "./spares.ts";
import { takeBackAll } from "./take_back.ts";
import type { PoolWorker, Remains } from "./worker.ts";
import { isActive, NEXT, type WorkerState } from "./worker_state.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** What `Workers` needs in addition to the shared parts. */
export interface WorkersParts extends Shared {
  /** Creates a worker with this id. */
  make(id: number): PoolWorker;
  /** Called when a worker was created, or a spare takes a place: it can get jobs. */
  made(worker: PoolWorker): void;
}

/** Maximum number of threads, including lost ones, as a factor of `max`. */
const MOST_THREADS = 2;

const LOST = "The worker could not be stopped: its thread goes on";

/** All workers that are not gone. */
export class Workers {
  /** Workers that accept jobs, or are held. */
  readonly active = new Set<PoolWorker>();
  /** Idle workers, in the order in which they became idle. */
  readonly idle: PoolWorker[] = [];
  /** Workers that are lost, get no more jobs, or are spares. */
  readonly inactive = new Set<PoolWorker>();
  readonly #parts: WorkersParts;
  readonly #leaving: LeavingThreads;
  readonly #spares: Spares;
  #keepsProcess = false;
  #growTimer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #isStopped = false;

  constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#leaving = new LeavingThreads(() => this.grow());
    this.#spares = new Spares(parts);
  }

  to(worker: PoolWorker, state: WorkerState): void {
    if (worker.state === state) return;
    assertInvariant(
      state === "gone" || NEXT[worker.state].includes(state),
      `a worker that is ${worker.state} becomes ${state}`,
    );
    const was = worker.state;
    worker.state = state;
    const { sizing } = this.#parts;
    if (state === "idle") {
      this.idle.push(worker);
      sizing.rests();
    } else if (was === "idle") {
      this.idle.splice(this.idle.indexOf(worker), 1);
      if (isActive(state)) sizing.works();
      else sizing.leaves();
    }
    if (was === "spare") this.#spares.all.delete(worker);
    else if (state === "spare") this.#spares.all.add(worker);
    if (isActive(state)) {
      this.active.add(worker);
      this.inactive.delete(worker);
    } else {
      this.active.delete(worker);
      if (state === "gone") this.inactive.delete(worker);
      else this.inactive.add(worker);
    }
    if (state === "idle" && sizing.isElastic) this.expectIdle();
  }

  /** Returns the worker with this id if it is active. */
  find(id: number | undefined): PoolWorker | undefined {
    if (id === undefined) return undefined;
    for (const worker of this.active) if (worker.id === id) return worker;
    return undefined;
  }

  /** Workers that are left alone with a job. */
  get lost(): PoolWorker[] {
    return [...this.inactive].filter(({ state }) => state === "lost");
  }

  /** Number of threads that still run, although they or their jobs must end. */
  get lostThreads(): number {
    const loops = this.lost.filter(({ sinceLost }) => sinceLost === "loops");
    return this.#leaving.lost + loops.length;
  }

  /**
   * Starts a worker if there are fewer than wanted. Only one starts at a time,
   * because each start blocks for 11 to 21 ms. On the caller's own thread,
   * starts cost nothing, so all workers start at once.
   */
  grow(isTurn = false): void {
    const { health, settings: { onCallerThread } } = this.#parts;
    if (this.#isStopped) return;
    if (this.#spares.all.size > 0) this.#takeSpares();
    if (this.#growTimer !== undefined) return;
    const isSpare = this.active.size >= this.#wanted;
    if (isSpare && (onCallerThread || !this.#wantsSpare) || this.isFull) return;
    const { delay } = health;
    // Start a spare only after the job that needs it was sent.
    if (delay === 0 && (!isSpare || isTurn)) this.#start(isSpare);
    if (onCallerThread && delay === 0) return this.grow();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.grow(true);
    }, delay);
    // The timer is no reason to keep the process running.
    if (!this.#keepsProcess) this.#growTimer.unref();
  }

  /** Number of active workers that are wanted now. */
  get #wanted(): number {
    const { sizing, room, queue } = this.#parts;
    // Jobs that wait for their keys need no worker yet. A worker that is
    // blocked by what a job has left behind is no use for any job.
    return sizing.wanted(room.jobs - queue.parked + this.#heldWithoutJobs);
  }

  /** Number of workers that are held and have no jobs. */
  get #heldWithoutJobs(): number {
    let count = 0;
    for (const { state, jobs } of this.active) {
      if (state === "held" && jobs.length === 0) count++;
    }
    return count;
  }

  get #wantsSpare(): boolean {
    const { all } = this.#spares;
    return this.#spares.wanted(this.active, this.idle.length) > all.size;
  }

  /** Moves spares to free places. */
  #takeSpares(): void {
    while (this.active.size < this.#wanted) {
      const spare = this.#spares.next;
      if (spare === undefined) return;
      this.to(spare, "starting");
      if (spare.isReady) this.to(spare, "idle");
      this.#parts.made(spare);
    }
  }

  get isFull(): boolean {
    const threads = this.active.size + this.inactive.size + this.#leaving.count;
    return threads >= MOST_THREADS * this.#parts.sizing.max;
  }

  /** Whether more workers are wanted, but their threads have no room. */
  get isCrowded(): boolean {
    return this.inactive.size > 0 && this.isFull &&
      this.active.size < this.#wanted;
  }

  /** Deaths in a row, and ms until the next start, if no worker is active. */
  get breakdown(): { deaths: number; delay: number } | undefined {
    // This runs for each call: reading the clock would take a tenth of the call's time.
    if (this.active.size > 0) return undefined;
    const { deaths, delay } = this.#parts.health;
    return delay > 0 ? { deaths, delay } : undefined;
  }

  #start(isSpare: boolean): void {
    // Ids are never reused, so a late event is never taken for another worker's.
    const worker = this.#parts.make(++this.#lastId);
    this.active.add(worker);
    if (!this.#keepsProcess) worker.keepProcess(false);
    if (!isSpare) return this.#parts.made(worker);
    this.to(worker, "spare");
    this.expectIdle();
  }

  /** Whether enough workers are ready for the pool to count as started. */
  get enoughAreReady(): boolean {
    let ready = 0;
    for (const { isReady } of this.active) if (isReady) ready++;
    return ready >= this.#parts.sizing.startsWith;
  }

  /** Handles a worker that has imported the module. */
  ready(worker: PoolWorker): void {
    const { health, meter, events } = this.#parts;
    health.started();
    this.#spares.noteStart(performanceNow() - worker.made);
    if (worker.state === "starting") {
      this.to(worker, worker.jobs.length > 0 ? "busy" : "idle");
      this.update(worker);
    }
    meter.workerStarted(worker.id);
    events.emit("workerstart", { workerId: worker.id });
  }

  /** Updates a worker's state to match its jobs. */
  update(worker: PoolWorker): void {
    if (worker.state !== "idle" && worker.state !== "busy") return;
    if (worker.jobs.length > 0) this.to(worker, "busy");
    else this.to(worker, worker.isSpent ? "draining" : "idle");
  }

  /** Releases a worker that was held. */
  release(worker: PoolWorker): void {
    if (worker.state !== "held") return;
    worker.heldFor = undefined;
    this.to(worker, "busy");
    this.update(worker);
  }

  /** Sets whether the workers keep the process running. */
  keepProcess(keeps: boolean): void {
    this.#keepsProcess = keeps;
    for (const worker of this.#all()) {
      if (worker.state !== "stopping") worker.keepProcess(keeps);
    }
    if (this.#growTimer === undefined) return;
    if (keeps) this.#growTimer.ref();
    else this.#growTimer.unref();
  }

  #all(): PoolWorker[] {
    return [...this.active, ...this.inactive];
  }

  /** Leaves a worker alone with a job, because its thread cannot be stopped. */
  leave(worker: PoolWorker): void {
    this.to(worker, "lost");
    this.#tellLost(worker);
  }

  #tellLost({ id }: PoolWorker): void {
    const error = new Error(LOST);
    this.#parts.events.emit("workererror", { workerId: id, error });
  }

  /** Returns a lost worker to work, or drains it if it is not needed. */
  welcome(worker: PoolWorker): void {
    const isWanted = !worker.isSpent &&
      this.active.size < this.#parts.sizing.max;
    this.to(worker, isWanted ? "idle" : "draining");
  }

  /** Stops giving jobs to a worker, and requeues its waiting jobs. */
  retire(worker: PoolWorker): void {
    worker.isRetired = true;
    this.#parts.queue.putBack(takeBackAll(worker));
    if (worker.jobs.length === 0) this.to(worker, "draining");
  }

  /** Ends all spares except this many. */
  retireSpares(left: number): void {
    for (const spare of this.#spares.all) {
      if (this.#spares.all.size <= left) return;
      this.retire(spare);
    }
  }

  /** Ends spares that have not been needed for a while. */
  retireUnneededSpares(now: number): void {
    const wanted = this.#spares.wanted(this.active, this.idle.length);
    const { idleTimeout } = this.#parts.settings;
    if (now - this.#spares.neededAt >= idleTimeout) this.retireSpares(wanted);
  }

  /** Checks later whether workers are still needed. */
  expectIdle(): void {
    const { sizing, watch, settings: { idleTimeout } } = this.#parts;
    if (sizing.mayShrink(this.active.size)) watch.at("idle", sizing.nextIdle);
    if (this.#spares.all.size === 0) return;
    watch.at("idle", this.#spares.neededAt + idleTimeout);
  }

  /** Ends a worker, and returns its jobs that have not ended. */
  end(worker: PoolWorker, cause: unknown): Remains {
    const wasLost = worker.state === "lost";
    // A killable thread ends even in a loop.
    const isLooping = !this.#parts.settings.hardKill &&
      worker.jobs.aborting.isDeaf;
    this.to(worker, "gone");
    const remains = worker.stop(cause);
    if (remains.life !== undefined) {
      this.#leaving.add(remains.life, isLooping, () => {
        if (!wasLost) this.#tellLost(worker);
      });
    }
    return remains;
  }

  /** Announces that a worker has died by itself. */
  tellDeath({ id }: PoolWorker, error: unknown): void {
    this.#parts.meter.crashed++;
    this.#parts.events.emit("workererror", { workerId: id, error });
  }

  /** Announces that a worker is gone, if it was ever ready. */
  tellGone({ id, isReady }: PoolWorker): void {
    if (!isReady) return;
    this.#parts.meter.workerStopped(id);
    this.#parts.events.emit("workerstop", { workerId: id });
  }

  /** Ends a worker that has nothing left to do. */
  endWell(worker: PoolWorker): void {
    this.end(worker, undefined);
    this.tellGone(worker);
  }

  /** Whether any worker that is not lost has `onStop()` callbacks. */
  get askToStop(): boolean {
    return this.#all().some((worker) => {
      return worker.asksToStop && worker.state !== "lost";
    });
  }

  /** Stops starting workers, and returns the existing ones. */
  stop(): PoolWorker[] {
    this.#isStopped = true;
    this.#leaving.stop();
    clearTimeout(this.#growTimer);
    return this.#all();
  }
}
