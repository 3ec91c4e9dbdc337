// Callers that wait for the same thing. They are released in order, and each can
// stop waiting by a signal.

import { AbortWatch } from "../values/abort_watch.ts";
import { type InLine, Line } from "./line.ts";

interface Waiter extends InLine<Waiter> {
  resolve(): void;
  reject(reason: unknown): void;
  signal: AbortSignal | undefined;
  number: number;
}

/** Promises that the owner of this object settles. */
export class Waiters {
  readonly #line = new Line<Waiter>();
  readonly #aborts = new AbortWatch<Waiter>((waiter, reason) => {
    this.#remove(waiter);
    waiter.reject(reason);
  });
  #lastNumber = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Resolves on release. Rejects when the signal aborts, at once if it has already aborted. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter: Waiter = {
        resolve,
        reject,
        signal,
        number: ++this.#lastNumber,
        previous: undefined,
        next: undefined,
      };
      if (signal) this.#aborts.add(signal, waiter.number, waiter);
      this.#line.push(waiter);
      this.#length++;
    });
  }

  #remove(waiter: Waiter): void {
    const { signal, number } = waiter;
    this.#line.remove(waiter);
    this.#length--;
    if (signal) this.#aborts.remove(signal, number);
  }

  #takeFirst(): Waiter | undefined {
    const { first } = this.#line;
    if (first) this.#remove(first);
    return first;
  }

  /** Resolves the first promise. */
  releaseFirst(): void {
    this.#takeFirst()?.resolve();
  }

  /** Resolves all promises. */
  release(): void {
    while (this.#length > 0) this.releaseFirst();
  }

  /** Rejects all promises. */
  refuse(refusal: () => unknown): void {
    while (this.#length > 0) this.#takeFirst()?.reject(refusal());
  }
}
