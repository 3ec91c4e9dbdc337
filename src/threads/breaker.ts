// Something that fails again and again is tried later each time.

/** In ms; twice as long each time. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;

/** Counts failures in a row. */
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
