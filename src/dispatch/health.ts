// Whether it is of use to start workers: they may die in a row, or never start.

import { performanceNow } from "../values/intrinsics.ts";

/** Deaths in a row after which the next worker starts later. */
const MOST_DEATHS = 10;
/** Deaths in a row, before any job was begun, after which the pool stops. */
const MOST_BARREN = 10;
/** Milliseconds of life after which a worker's death says nothing of the next one. */
const SOUND_AFTER = 1_000;

/** Milliseconds before another try; twice as long each time. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;

/** What is known of a worker that has died. */
export interface Death {
  /** Whether it had started. */
  isReady: boolean;
  /** Whether it had begun any job. */
  hasBegunAny: boolean;
  /** Whether it had been given all the jobs that it was to have. */
  isSpent: boolean;
  /** How many ms it has lived. */
  age: number;
}

/** How the workers of a pool fare. */
export class Health {
  readonly #deaths = new Breaker(MOST_DEATHS);
  readonly #failedStarts = new Breaker(1);
  /** How many have died in a row without a job. */
  #barren = 0;
  #hasEverStarted = false;

  /** A worker has started. */
  started(): void {
    this.#hasEverStarted = true;
    this.#failedStarts.reset();
  }

  /** A job has ended in one of them. */
  worked(): void {
    this.#deaths.reset();
    this.#barren = 0;
  }

  /**
   * A worker has died by itself.
   *
   * @returns Whether it is of no use to start others
   */
  died({ isReady, hasBegunAny, isSpent, age }: Death): boolean {
    const now = performanceNow();
    // One that was to be replaced anyway has cost nothing but its job.
    if (!(isSpent && hasBegunAny)) this.#deaths.add(now);
    if (!isReady) this.#failedStarts.add(now);
    const isSound = hasBegunAny || isReady && age >= SOUND_AFTER;
    this.#barren = isSound ? 0 : this.#barren + 1;
    // Its first job may have ended it before main has heard that it was ready.
    if (hasBegunAny) this.#hasEverStarted = true;
    return !this.#hasEverStarted || this.#barren >= MOST_BARREN;
  }

  /** How many workers have died in a row. */
  get deaths(): number {
    return this.#deaths.count;
  }

  /** For how many ms no worker is to be started. */
  get delay(): number {
    const now = performanceNow();
    return Math.max(this.#deaths.delay(now), this.#failedStarts.delay(now));
  }
}

/** Counts failures in a row: what fails again and again is tried later each time. */
export class Breaker {
  readonly #most: number;
  #count = 0;
  #isOpenUntil = 0;

  /** @param most The number of failures in a row with which it opens */
  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a failure. */
  add(now: number): void {
    if (++this.#count < this.#most) return;
    const delay = FIRST_DELAY * 2 ** (this.#count - this.#most);
    this.#isOpenUntil = now + Math.min(delay, LONGEST_DELAY);
  }

  /** It has worked: the delay starts over. */
  reset(): void {
    this.#count = 0;
    this.#isOpenUntil = 0;
  }

  /** How often it has failed in a row. */
  get count(): number {
    return this.#count;
  }

  /** For how many ms it is not to be tried. */
  delay(now: number): number {
    return Math.max(0, this.#isOpenUntil - now);
  }
}
