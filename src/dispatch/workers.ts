// The workers of a pool, each in one state: starts them, one at a time, changes
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

/** What the workers need beside what all share. */
export interface WorkersParts extends Shared {
  /** Makes a worker of this number. */
  make(id: number): PoolWorker;
  /** A worker was made: its first job arrives with it. */
  made(worker: PoolWorker): void;
}

/** The most threads, in times the size, including those that cannot be stopped. */
const MOST_THREADS = 2;

const LOST = "The worker could not be stopped: its thread goes on";

/** All workers that are not gone. */
export class Workers {
  /** Those that may get jobs. */
  readonly active = new Set<PoolWorker>();
  /** Those of them that have nothing to do, in the order in which they became so. */
  readonly idle: PoolWorker[] = [];
  /** Those that are left alone, or get no more jobs, or none yet. */
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

  /** Changes the state of a worker. */
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

  /** The one of a number, if it may get jobs. */
  find(id: number | undefined): PoolWorker | undefined {
    if (id === undefined) return undefined;
    for (const worker of this.active) if (worker.id === id) return worker;
    return undefined;
  }

  /** Those that are left alone with a job. */
  get lost(): PoolWorker[] {
    return [...this.inactive].filter(({ state }) => state === "lost");
  }

  /** How many threads go on now though they, or their jobs, were told to end. */
  get lostThreads(): number {
    const loops = this.lost.filter(({ sinceLost }) => sinceLost === "loops");
    return this.#leaving.lost + loops.length;
  }

  /**
   * Starts a worker, if there are fewer than are wanted. One at a time, since each
   * start blocks for 11 to 21 ms; the caller's own thread needs no start, so there
   * all come at once.
   */
  grow(isTurn = false): void {
    const { health, settings: { onCallerThread } } = this.#parts;
    if (this.#isStopped) return;
    if (this.#spares.all.size > 0) this.#takeSpares();
    if (this.#growTimer !== undefined) return;
    const isSpare = this.active.size >= this.#wanted;
    if (isSpare && (onCallerThread || !this.#wantsSpare) || this.isFull) return;
    const { delay } = health;
    // Before a spare, the job leaves for which it is needed.
    if (delay === 0 && (!isSpare || isTurn)) this.#start(isSpare);
    if (onCallerThread && delay === 0) return this.grow();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.grow(true);
    }, delay);
    // It is no reason to keep the process.
    if (!this.#keepsProcess) this.#growTimer.unref();
  }

  /** How many workers there may be, and are of use. */
  get #wanted(): number {
    const { sizing, room, queue } = this.#parts;
    // Those that wait for others of their keys need no worker yet; one that is held
    // by what a job has left behind is of no use to any.
    return sizing.wanted(room.jobs - queue.parked + this.#heldWithoutJobs);
  }

  /** How many are held, and have no job. */
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

  /** Spares take the places that are free. */
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

  /** Whether workers are wanted for which there is no room. */
  get isCrowded(): boolean {
    return this.inactive.size > 0 && this.isFull &&
      this.active.size < this.#wanted;
  }

  /** How many workers have died in a row, and when the next one starts, if none is there. */
  get breakdown(): { deaths: number; delay: number } | undefined {
    // Asked for each call: a look at the clock would take a tenth of its time.
    if (this.active.size > 0) return undefined;
    const { deaths, delay } = this.#parts.health;
    return delay > 0 ? { deaths, delay } : undefined;
  }

  #start(isSpare: boolean): void {
    // Numbers are not used again, so that no late event can be taken for another worker's.
    const worker = this.#parts.make(++this.#lastId);
    this.active.add(worker);
    if (!this.#keepsProcess) worker.keepProcess(false);
    if (!isSpare) return this.#parts.made(worker);
    this.to(worker, "spare");
    this.expectIdle();
  }

  /** Whether those are ready with which the pool counts as started. */
  get enoughAreReady(): boolean {
    let ready = 0;
    for (const { isReady } of this.active) if (isReady) ready++;
    return ready >= this.#parts.sizing.startsWith;
  }

  /** A worker has imported the module. */
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

  /** Brings a worker's state in line with its jobs. */
  update(worker: PoolWorker): void {
    if (worker.state !== "idle" && worker.state !== "busy") return;
    if (worker.jobs.length > 0) this.to(worker, "busy");
    else this.to(worker, worker.isSpent ? "draining" : "idle");
  }

  /** A worker that was held goes on. */
  release(worker: PoolWorker): void {
    if (worker.state !== "held") return;
    worker.heldFor = undefined;
    this.to(worker, "busy");
    this.update(worker);
  }

  /** The workers keep the process from ending, or no longer. */
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

  /** Leaves a worker alone with a job, since its thread cannot be stopped. */
  leave(worker: PoolWorker): void {
    this.to(worker, "lost");
    this.#tellLost(worker);
  }

  #tellLost({ id }: PoolWorker): void {
    const error = new Error(LOST);
    this.#parts.events.emit("workererror", { workerId: id, error });
  }

  /** A worker that was left alone is back, and takes jobs if there is none in its place. */
  welcome(worker: PoolWorker): void {
    const isWanted = !worker.isSpent &&
      this.active.size < this.#parts.sizing.max;
    this.to(worker, isWanted ? "idle" : "draining");
  }

  /** Gives a worker no more jobs; what waits before it is for others. */
  retire(worker: PoolWorker): void {
    worker.isRetired = true;
    this.#parts.queue.putBack(takeBackAll(worker));
    if (worker.jobs.length === 0) this.to(worker, "draining");
  }

  /** Ends all spares but a number of them. */
  retireSpares(left: number): void {
    for (const spare of this.#spares.all) {
      if (this.#spares.all.size <= left) return;
      this.retire(spare);
    }
  }

  /** Ends spares that were not needed for a while. */
  retireUnneededSpares(now: number): void {
    const wanted = this.#spares.wanted(this.active, this.idle.length);
    const { idleTimeout } = this.#parts.settings;
    if (now - this.#spares.neededAt >= idleTimeout) this.retireSpares(wanted);
  }

  /** Looks when a worker may not be needed any more. */
  expectIdle(): void {
    const { sizing, watch, settings: { idleTimeout } } = this.#parts;
    if (sizing.mayShrink(this.active.size)) watch.at("idle", sizing.nextIdle);
    if (this.#spares.all.size === 0) return;
    watch.at("idle", this.#spares.neededAt + idleTimeout);
  }

  /** Ends a worker, and gives what it had not ended. */
  end(worker: PoolWorker, cause: unknown): Remains {
    const wasLost = worker.state === "lost";
    // A thread that can be killed ends in a loop, too.
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

  /** Says that a worker has died by itself. */
  tellDeath({ id }: PoolWorker, error: unknown): void {
    this.#parts.meter.crashed++;
    this.#parts.events.emit("workererror", { workerId: id, error });
  }

  /** Says that a worker is gone, if it was ever there. */
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

  /** Whether any has something to do before it ends, and may come to do it. */
  get askToStop(): boolean {
    return this.#all().some((worker) => {
      return worker.asksToStop && worker.state !== "lost";
    });
  }

  /** Starts no more workers, and gives those that there are. */
  stop(): PoolWorker[] {
    this.#isStopped = true;
    this.#leaving.stop();
    clearTimeout(this.#growTimer);
    return this.#all();
  }
}
