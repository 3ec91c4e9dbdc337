// Decides whether to start workers: they can die in a row, or never start.

import { performanceNow } from "../values/intrinsics.ts";

/** Number of deaths in a row that delays the next start. */
const MOST_DEATHS = 10;
/** Number of early deaths in a row, without a job, that stops the pool. */
const MOST_BARREN = 10;
/** Age in ms from which a worker's death predicts nothing about the next. */
const SOUND_AFTER = 1_000;

/** Delay in ms before another try; doubles each time. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;

/** Facts about a worker that has died. */
export interface Death {
  /** Whether the worker had started. */
  isReady: boolean;
  /** Whether any job had started in the worker. */
  hasBegunAny: boolean;
  /** Whether the worker could not get any more jobs. */
  isSpent: boolean;
  /** Age of the worker in ms. */
  age: number;
}

/** Health of the workers of a pool. */
export class Health {
  readonly #deaths = new Breaker(MOST_DEATHS);
  readonly #failedStarts = new Breaker(1);
  /** Number of early deaths in a row without a job. */
  #barren = 0;
  #hasEverStarted = false;

  /** Records that a worker has started. */
  started(): void {
    this.#hasEverStarted = true;
    this.#failedStarts.reset();
  }

  /** Records that a job has ended in a worker. */
  worked(): void {
    this.#deaths.reset();
    this.#barren = 0;
  }

  /**
   * Records that a worker has died by itself.
   *
   * @returns Whether it is useless to start other workers
   */
  died({ isReady, hasBegunAny, isSpent, age }: Death): boolean {
    const now = performanceNow();
    // A worker that had to be replaced anyway has cost only its job.
    if (!(isSpent && hasBegunAny)) this.#deaths.add(now);
    if (!isReady) this.#failedStarts.add(now);
    const isSound = hasBegunAny || isReady && age >= SOUND_AFTER;
    this.#barren = isSound ? 0 : this.#barren + 1;
    // The first job may end the worker before main knows that it was ready.
    if (hasBegunAny) this.#hasEverStarted = true;
    return !this.#hasEverStarted || this.#barren >= MOST_BARREN;
  }

  /** Number of workers that have died in a row. */
  get deaths(): number {
    return this.#deaths.count;
  }

  /** Time in ms until a worker can start. */
  get delay(): number {
    const now = performanceNow();
    return Math.max(this.#deaths.delay(now), this.#failedStarts.delay(now));
  }
}

/** Counts failures in a row, and delays each further try more. */
export class Breaker {
  readonly #most: number;
  #count = 0;
  #isOpenUntil = 0;

  /** @param most Number of failures in a row that starts the delays */
  constructor(most: number) {
    this.#most = most;
  }

  add(now: number): void {
    if (++this.#count < this.#most) return;
    const delay = FIRST_DELAY * 2 ** (this.#count - this.#most);
    this.#isOpenUntil = now + Math.min(delay, LONGEST_DELAY);
  }

  /** Resets the count and the delay, after a success. */
  reset(): void {
    this.#count = 0;
    this.#isOpenUntil = 0;
  }

  /** Number of failures in a row. */
  get count(): number {
    return this.#count;
  }

  /** Returns the time in ms until the next try. */
  delay(now: number): number {
    return Math.max(0, this.#isOpenUntil - now);
  }
}
