// Those who wait for room in the queue.

/** Microtasks until a waiter goes on that has wrapped the promise, say in an async function. */
const TICKS = 4;

/** Waiters, released one at a time and in order, each after a new look. */
export class Room {
  readonly #hasRoom: () => boolean;
  #waiters: PromiseWithResolvers<void>[] = [];
  #releasing = false;

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** Resolves when there is room; nothing is reserved. */
  wait(): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    this.#waiters.push(waiter);
    this.release();
    return waiter.promise;
  }

  /** There may be room: lets the first waiter go, if so. */
  release(): void {
    if (this.#releasing || this.#waiters.length === 0 || !this.#hasRoom()) {
      return;
    }
    this.#letGo(this.#waiters.shift()!);
  }

  async #letGo(waiter: PromiseWithResolvers<void>): Promise<void> {
    this.#releasing = true;
    waiter.resolve();
    // What the waiter does comes first: only then is it known what room is left.
    for (let i = 0; i < TICKS; i++) await undefined;
    this.#releasing = false;
    this.release();
  }

  /** Rejects all waiters: there will be no more room. */
  refuse(refusal: () => Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(refusal());
  }
}
