// Which workers there are: starts them, one at a time, and sees them off.

import { Breaker } from "../threads/breaker.ts";
import type { Lane, Remains } from "./lane.ts";
import { LeavingThreads } from "../threads/leaving_threads.ts";

/** What the roster needs. */
export interface RosterEvents {
  /** Starts a worker of this number. */
  open(workerId: number): Lane;
  /** It is among them now. */
  opened(lane: Lane): void;
  /** A thread goes on though it was told to end. */
  workerLost(workerId: number): void;
  /** There is no room for another thread: one that is left alone has to end when it can. */
  crowded(lane: Lane): void;
  /** There may be room for another thread. */
  threadsLeft(): void;
}

/** Threads that go on though they were told to end never make it more than so many times the size. */
const MOST_THREADS = 2;

/** So many workers may die in a row before the next one starts later. */
const MOST_DEATHS = 10;
/** So many workers may die in a row before any has begun a job. */
const MOST_BARREN = 10;

/** The workers of a pool. */
export class Roster {
  /** Those that get jobs. */
  readonly lanes = new Set<Lane>();
  /** Those that get none any more, for which something is left to do. */
  readonly #retiring = new Set<Lane>();
  /** Those that are left alone with a job that does not end, in a thread that cannot be stopped. */
  readonly #abandoned = new Set<Lane>();
  readonly #leaving: LeavingThreads;
  readonly #size: number;
  readonly #events: RosterEvents;
  readonly #deaths = new Breaker(MOST_DEATHS);
  readonly #failedStarts = new Breaker(1);
  #barren = 0;
  #hasEverStarted = false;
  #growTimer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #isStopped = false;

  constructor(size: number, events: RosterEvents) {
    this.#size = size;
    this.#events = events;
    this.#leaving = new LeavingThreads(() => events.threadsLeft());
  }

  /** How many threads go on now though they, or their jobs, were told to end. */
  get lost(): number {
    let lost = this.#leaving.lost;
    for (const lane of this.#abandoned) if (lane.abandoned === "loops") lost++;
    return lost;
  }

  get #threads(): number {
    return this.lanes.size + this.#retiring.size + this.#abandoned.size +
      this.#leaving.count;
  }

  /** How many workers have died in a row, and for how many ms none starts. */
  get breakdown(): { deaths: number; delay: number } {
    const now = performance.now();
    return {
      deaths: this.#deaths.count,
      delay: Math.max(this.#deaths.delay(now), this.#failedStarts.delay(now)),
    };
  }

  /** A job has ended in one of them. */
  worked(): void {
    this.#deaths.reset();
    this.#barren = 0;
  }

  /** One of them has started. */
  started(): void {
    this.#hasEverStarted = true;
    this.#failedStarts.reset();
  }

  /** Starts a worker, if there are fewer than are wanted: one at a time, since each start blocks. */
  grow(wanted: () => number): void {
    if (
      this.#isStopped || this.#growTimer !== undefined ||
      this.lanes.size >= Math.min(wanted(), this.#size)
    ) return;
    if (this.#threads >= MOST_THREADS * this.#size) {
      // One that only hears nothing any more ends at once.
      for (const lane of this.abandoned) this.#events.crowded(lane);
      return;
    }
    const { delay } = this.breakdown;
    if (delay === 0) this.#open();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.grow(wanted);
    }, delay);
  }

  #open(): void {
    // A number is not used again: what is told later of its worker is of no other.
    const lane = this.#events.open(++this.#lastId);
    this.lanes.add(lane);
    this.#events.opened(lane);
  }

  #all(): Lane[] {
    return [...this.lanes, ...this.#retiring, ...this.#abandoned];
  }

  /** The workers keep the process from ending, or no longer. */
  keepProcess(keeps: boolean): void {
    for (const lane of this.#all()) lane.keepProcess(keeps);
    if (keeps) return;
    // The next job asks for a worker again.
    clearTimeout(this.#growTimer);
    this.#growTimer = undefined;
  }

  /** Ends a worker, and gives what it had not ended. */
  remove(lane: Lane, cause: unknown): Remains {
    this.lanes.delete(lane);
    this.#retiring.delete(lane);
    const isTold = this.#abandoned.delete(lane);
    const remains = lane.stop(cause);
    const { life, isDeaf } = remains;
    if (life !== undefined) {
      this.#leaving.add(life, isDeaf, () => {
        if (!isTold) this.#events.workerLost(lane.workerId);
      });
    }
    return remains;
  }

  /** Leaves a worker alone, whose thread cannot be stopped. */
  abandon(lane: Lane): void {
    this.lanes.delete(lane);
    this.#abandoned.add(lane);
    // A listener may do anything.
    queueMicrotask(() => {
      if (!this.#isStopped) this.#events.workerLost(lane.workerId);
    });
  }

  /** A worker that was left alone takes jobs again, if there is none in its place. */
  welcome(lane: Lane): void {
    this.#abandoned.delete(lane);
    lane.welcome();
    if (this.lanes.size < this.#size) this.lanes.add(lane);
    else this.#retiring.add(lane);
  }

  get hasAbandoned(): boolean {
    return this.#abandoned.size > 0;
  }

  /** Those that are left alone. */
  get abandoned(): Lane[] {
    return [...this.#abandoned];
  }

  /**
   * A worker has died by itself.
   *
   * @param isReady Whether it had started
   * @param hasBegunAny Whether it had begun any job
   * @returns Whether it is of no use to start others
   */
  died(isReady: boolean, hasBegunAny: boolean): boolean {
    const now = performance.now();
    this.#deaths.add(now);
    if (!isReady) this.#failedStarts.add(now);
    this.#barren = hasBegunAny ? 0 : this.#barren + 1;
    return !this.#hasEverStarted || this.#barren >= MOST_BARREN;
  }

  /** Gives a worker no more jobs; it ends once nothing is left to do for it. */
  retire(lane: Lane): void {
    this.lanes.delete(lane);
    this.#retiring.add(lane);
  }

  /** Whether it is one of them still. */
  has(lane: Lane): boolean {
    return this.lanes.has(lane) || this.#retiring.has(lane) ||
      this.#abandoned.has(lane);
  }

  /** Those that get no more jobs. */
  get retiring(): Lane[] {
    return [...this.#retiring];
  }

  /** Starts no more workers, and gives those that there are. */
  stop(): Lane[] {
    this.#isStopped = true;
    this.#leaving.stop();
    clearTimeout(this.#growTimer);
    return this.#all();
  }
}
