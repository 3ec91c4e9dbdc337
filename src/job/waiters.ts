// Those who wait for the same thing. They are released in order, and each may
// stop waiting by a signal.

import { type InLine, Line } from "./line.ts";

interface Waiter extends InLine<Waiter> {
  resolve(): void;
  reject(reason: unknown): void;
  signal: AbortSignal | undefined;
  onAbort: () => void;
}

/** Promises that somebody else settles. */
export class Waiters {
  readonly #line = new Line<Waiter>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Resolves when it is released, or rejects when the signal aborts, at once if it has. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter: Waiter = {
        resolve,
        reject,
        signal,
        onAbort: () => {
          this.#remove(waiter);
          reject(signal!.reason);
        },
        previous: undefined,
        next: undefined,
      };
      signal?.addEventListener("abort", waiter.onAbort);
      this.#line.push(waiter);
      this.#length++;
    });
  }

  #remove(waiter: Waiter): void {
    this.#line.remove(waiter);
    this.#length--;
    waiter.signal?.removeEventListener("abort", waiter.onAbort);
  }

  #takeFirst(): Waiter | undefined {
    const { first } = this.#line;
    if (first) this.#remove(first);
    return first;
  }

  /** Releases the first one. */
  releaseFirst(): void {
    this.#takeFirst()?.resolve();
  }

  /** Releases all. */
  release(): void {
    while (this.#length > 0) this.releaseFirst();
  }

  /** Rejects all. */
  refuse(refusal: () => unknown): void {
    while (this.#length > 0) this.#takeFirst()?.reject(refusal());
  }
}
