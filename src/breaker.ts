// What happens where workers die again and again: the next one starts later each
// time, and meanwhile new jobs are refused.

/** So many may die in a row, without a job that ends between, before it opens. */
const MOST_IN_A_ROW = 10;
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;

/** Counts how many workers have died in a row. */
export class Breaker {
  #deaths = 0;
  #opensUntil = 0;

  /** A worker has died. */
  died(now: number): void {
    if (++this.#deaths < MOST_IN_A_ROW) return;
    const delay = FIRST_DELAY * 2 ** (this.#deaths - MOST_IN_A_ROW);
    this.#opensUntil = now + Math.min(delay, LONGEST_DELAY);
  }

  /** A job has ended: the workers work. */
  worked(): void {
    this.#deaths = 0;
  }

  /** How many workers have died in a row. */
  get deaths(): number {
    return this.#deaths;
  }

  /** For how many ms no worker is to start. */
  delay(now: number): number {
    return this.#deaths < MOST_IN_A_ROW
      ? 0
      : Math.max(0, this.#opensUntil - now);
  }
}
