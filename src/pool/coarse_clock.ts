// A clock for those who ask often. Reading the time for each of 100 000 calls of
// `execute()` takes 0.88 µs of processor time a call, with this clock 0.76.

/** How many share one reading, at most. */
const SHARED_BY = 64;

/** Like the pool's clock, but behind by what its caller has done since the last reading. */
export class CoarseClock {
  readonly #read: () => number;
  #now = 0;
  #left = 0;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** Milliseconds. */
  now(): number {
    if (this.#left-- <= 0) {
      this.#now = this.#read();
      this.#left = SHARED_BY - 1;
      queueMicrotask(() => this.#left = 0);
    }
    return this.#now;
  }
}
