// When main looks for jobs that have executed for longer than they may.

/** One timer for all of them, set only while there are any. */
export class DeadlineTimer {
  readonly #look: (now: number) => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity;

  /** @param look Looks; gives in how many ms that is to be done again */
  constructor(look: (now: number) => number) {
    this.#look = look;
  }

  /** A job may execute for so many ms from now. */
  expect(ms: number): void {
    if (ms === Infinity) return;
    const due = performance.now() + ms;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.expect(this.#look(performance.now()));
    }, ms);
  }

  /** Looks no more until another job is expected. */
  pause(): void {
    this.#due = Infinity;
    clearTimeout(this.#timer);
  }

  /** Looks no more. */
  stop(): void {
    this.#due = -Infinity;
    clearTimeout(this.#timer);
  }
}
