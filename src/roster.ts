// Which workers there are: starts them, one at a time, and sees them off.

import { Breaker } from "./breaker.ts";
import type { Lane, Remains } from "./lane.ts";

/** What the roster needs. */
export interface RosterEvents {
  /** Starts a worker of this number. */
  open(workerId: number): Lane;
  /** It is among them now. */
  opened(lane: Lane): void;
  /** A thread could not be stopped. */
  workerLost(workerId: number): void;
}

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
  readonly #size: number;
  readonly #events: RosterEvents;
  readonly #deaths = new Breaker(MOST_DEATHS);
  readonly #failedStarts = new Breaker(1);
  #barren = 0;
  #hasEverStarted = false;
  #growTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether a thread has ended is of no interest once none takes its place. */
  readonly #end = new AbortController();

  constructor(size: number, events: RosterEvents) {
    this.#size = size;
    this.#events = events;
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
      this.#end.signal.aborted || this.#growTimer !== undefined ||
      this.lanes.size >= Math.min(wanted(), this.#size)
    ) return;
    const { delay } = this.breakdown;
    if (delay === 0) this.#open();
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      this.grow(wanted);
    }, delay);
  }

  #open(): void {
    const lane = this.#events.open(this.#freeId());
    this.lanes.add(lane);
    this.#events.opened(lane);
  }

  #freeId(): number {
    const taken = new Set<number>();
    for (const lane of this.#all()) taken.add(lane.workerId);
    let id = 1;
    while (taken.has(id)) id++;
    return id;
  }

  #all(): Lane[] {
    return [...this.lanes, ...this.#retiring];
  }

  /** Ends a worker, and gives what it had not ended. */
  remove(lane: Lane, cause: unknown): Remains {
    this.lanes.delete(lane);
    this.#retiring.delete(lane);
    const remains = lane.stop(cause, this.#end.signal);
    remains.hasEnded.then((hasEnded) => {
      if (!hasEnded) this.#events.workerLost(lane.workerId);
    });
    return remains;
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
    return this.lanes.has(lane) || this.#retiring.has(lane);
  }

  /** Those that get no more jobs. */
  get retiring(): Lane[] {
    return [...this.#retiring];
  }

  /** Starts no more workers, and gives those that there are. */
  stop(): Lane[] {
    this.#end.abort();
    clearTimeout(this.#growTimer);
    return this.#all();
  }
}
