// A clock for those who ask often: within one turn of the event loop it is read
// once for many.

/** How many share one reading, at most. */
const SHARED_BY = 64;

/** Like `performance.now()`, but it may lag by what its caller did since the last reading. */
export class TurnClock {
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
