// The workers of a pool, each in one state: starts them, one at a time, changes
// their states, and ends them.

import { LeavingThreads } from "../threads/leaving_threads.ts";
import { check } from "./invariants.ts";
import type { Shared } from "./parts.ts";
import type { PoolWorker, Remains } from "./worker.ts";
import { isActive, NEXT, type WorkerState } from "./worker_state.ts";

/** What the workers need beside what all share. */
export interface WorkersParts extends Shared {
  /** Makes a worker of this number. */
  make(id: number): PoolWorker;
  /** A worker was made: its first job arrives with it. */
  made(worker: PoolWorker): void;
}

/** Threads that go on though they were told to end never make it more than so many times the size. */
const MOST_THREADS = 2;

const LOST = "The worker could not be stopped: its thread goes on";

/** All workers that are not gone. */
export class Workers {
  /** Those that may get jobs. */
  readonly active = new Set<PoolWorker>();
  /** Those of them that have nothing to do. */
  readonly idle = new Set<PoolWorker>();
  /** Those that are left alone, or get no more jobs. */
  readonly inactive = new Set<PoolWorker>();
  readonly #parts: WorkersParts;
  readonly #leaving: LeavingThreads;
  #growTimer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #isStopped = false;

  constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#leaving = new LeavingThreads(() => this.grow());
  }

  /** Changes the state of a worker. */
  to(worker: PoolWorker, state: WorkerState): void {
    if (worker.state === state) return;
    check(
      state === "gone" || NEXT[worker.state].includes(state),
      `a worker that is ${worker.state} becomes ${state}`,
    );
    worker.state = state;
    if (state === "idle") this.idle.add(worker);
    else this.idle.delete(worker);
    if (isActive(state)) {
      this.active.add(worker);
      this.inactive.delete(worker);
    } else {
      this.active.delete(worker);
      if (state === "gone") this.inactive.delete(worker);
      else this.inactive.add(worker);
    }
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
   * Starts a worker, if there are fewer than are wanted: one at a time, since each
   * start blocks for 11 to 21 ms.
   */
  grow(): void {
    const { health } = this.#parts;
    if (
      this.#isStopped || this.#growTimer !== undefined ||
      this.active.size >= this.#wanted
    ) return;
    if (this.#isFull) return;
    const { delay } = health;
    if (delay === 0) this.#start();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.grow();
    }, delay);
  }

  /** How many workers there may be, and are of use. */
  get #wanted(): number {
    const { settings: { size }, room } = this.#parts;
    return Math.min(room.jobs, size);
  }

  get #isFull(): boolean {
    const threads = this.active.size + this.inactive.size + this.#leaving.count;
    return threads >= MOST_THREADS * this.#parts.settings.size;
  }

  /** Whether workers are wanted for which there is no room. */
  get isCrowded(): boolean {
    return this.inactive.size > 0 && this.#isFull &&
      this.active.size < this.#wanted;
  }

  /** How many workers have died in a row, and when the next one starts, if none is there. */
  get breakdown(): { deaths: number; delay: number } | undefined {
    // Asked for each call: a look at the clock would take a tenth of its time.
    if (this.active.size > 0) return undefined;
    const { deaths, delay } = this.#parts.health;
    return delay > 0 ? { deaths, delay } : undefined;
  }

  #start(): void {
    // A number is not used again: what is told later of its worker is of no other.
    const worker = this.#parts.make(++this.#lastId);
    this.active.add(worker);
    this.#parts.made(worker);
  }

  /** A worker has imported the module. */
  ready(worker: PoolWorker): void {
    const { health, meter, news } = this.#parts;
    health.started();
    if (worker.state === "starting") {
      this.to(worker, worker.jobs.length > 0 ? "busy" : "idle");
    }
    meter.workerStarted(worker.id);
    news.tell("workerstart", { workerId: worker.id });
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
    for (const worker of this.#all()) worker.keepProcess(keeps);
    if (keeps) return;
    // The next job asks for a worker again.
    clearTimeout(this.#growTimer);
    this.#growTimer = undefined;
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
    this.#parts.news.tell("workererror", { workerId: id, error });
  }

  /** A worker that was left alone is back, and takes jobs if there is none in its place. */
  welcome(worker: PoolWorker): void {
    const isWanted = this.active.size < this.#parts.settings.size;
    this.to(worker, isWanted ? "idle" : "draining");
  }

  /** Ends a worker, and gives what it had not ended. */
  end(worker: PoolWorker, cause: unknown): Remains {
    const wasLost = worker.state === "lost";
    const { isDeaf } = worker.jobs.told;
    this.to(worker, "gone");
    const remains = worker.stop(cause);
    if (remains.life !== undefined) {
      this.#leaving.add(remains.life, isDeaf, () => {
        if (!wasLost) this.#tellLost(worker);
      });
    }
    return remains;
  }

  /** Says that a worker has died by itself. */
  tellDeath({ id }: PoolWorker, error: unknown): void {
    this.#parts.meter.crashed++;
    this.#parts.news.tell("workererror", { workerId: id, error });
  }

  /** Says that a worker is gone, if it was ever there. */
  tellGone({ id, isReady }: PoolWorker): void {
    if (!isReady) return;
    this.#parts.meter.workerStopped(id);
    this.#parts.news.tell("workerstop", { workerId: id });
  }

  /** Ends workers that get no more jobs, and for which nothing is left to do; whether there are others. */
  endDrained(): boolean {
    if (this.inactive.size === 0) return false;
    let isAny = false;
    for (const worker of [...this.inactive]) {
      if (worker.state !== "draining") continue;
      if (!worker.isDone) isAny = true;
      else {
        this.end(worker, undefined);
        this.tellGone(worker);
      }
    }
    return isAny;
  }

  /** Starts no more workers, and gives those that there are. */
  stop(): PoolWorker[] {
    this.#isStopped = true;
    this.#leaving.stop();
    clearTimeout(this.#growTimer);
    return this.#all();
  }
}
