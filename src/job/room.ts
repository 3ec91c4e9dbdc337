// Those who wait for room in the queue.

import { Fifo } from "./fifo.ts";
import { atEndOfTurn } from "../flow/end_of_turn.ts";

/** Waiters, released in order, each if there is still room beside those before it. */
export class Room {
  readonly #hasRoomFor: (count: number) => boolean;
  readonly #waiters = new Fifo<PromiseWithResolvers<void>>();
  /** Those who were released in this turn, and may not have used the room yet. */
  #released = 0;

  /** @param hasRoomFor Whether there is room for so many jobs */
  constructor(hasRoomFor: (count: number) => boolean) {
    this.#hasRoomFor = hasRoomFor;
  }

  /** Resolves when there is room; nothing is reserved. */
  wait(): Promise<void> {
    if (this.#waiters.length === 0 && this.#take()) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  /** A job has come in: one of those who were released has used the room. */
  use(): void {
    if (this.#released > 0) this.#released--;
  }

  /** There may be room: lets the first waiters go, if so. */
  release(): void {
    while (this.#waiters.length > 0 && this.#take()) {
      this.#waiters.shift()!.resolve();
    }
  }

  /** Takes room for one, until the end of the turn. */
  #take(): boolean {
    if (!this.#hasRoomFor(this.#released + 1)) return false;
    if (this.#released++ === 0) atEndOfTurn(this.#expire);
    return true;
  }

  /** Who has not used the room by now may find none later. */
  readonly #expire = (): void => {
    this.#released = 0;
    this.release();
  };

  /** Rejects all waiters: there will be no more room. */
  refuse(refusal: () => Error): void {
    while (this.#waiters.length > 0) this.#waiters.shift()!.reject(refusal());
  }
}
