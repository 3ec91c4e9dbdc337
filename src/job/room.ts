// How many jobs a pool has accepted that have not left, and who waits in
// `ready()` until there is room for more.

import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { Waiters } from "./waiters.ts";

/** Waiters, released in order, each if there is still room beside those before it. */
export class Room {
  #capacity: number;
  readonly #onEmpty: () => void;
  #jobs = 0;
  /** Jobs that the caller executes, which take no room. */
  #callers = 0;
  readonly #waiters = new Waiters();
  /** Those who were released in this turn, and may not have used the room yet. */
  #released = 0;
  #isExpiryDue = false;

  /**
   * @param capacity How many jobs there may be, in workers and in the queue
   * @param onEmpty Hears that there are none any more
   */
  constructor(capacity: number, onEmpty: () => void) {
    this.#capacity = capacity;
    this.#onEmpty = onEmpty;
  }

  /** How many jobs wait or occupy a worker. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Whether there is no job at all, also none that the caller executes. */
  get isEmpty(): boolean {
    return this.#jobs + this.#callers === 0;
  }

  /** Changes how many jobs there may be. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.release();
  }

  /** Whether there is room for this many more. */
  hasRoomFor(count: number): boolean {
    return this.#jobs + count <= this.#capacity;
  }

  /** Whether there is room for one more beside those who wait for it, or were let in. */
  get isFree(): boolean {
    return this.#waiters.length === 0 && this.#hasRoomLeft;
  }

  /** Whether there is room beside those who were let in. */
  get #hasRoomLeft(): boolean {
    return this.hasRoomFor(this.#released + 1);
  }

  /** A job comes in; one of those who were released may have used the room for it. */
  enter(): void {
    this.#jobs++;
    if (this.#released > 0) this.#released--;
  }

  /** The caller executes a job itself. */
  enterCaller(): void {
    this.#callers++;
  }

  /**
   * A job no longer waits, and no longer occupies a worker; `release()` lets others in.
   *
   * @param wasCallers Whether the caller executed it
   */
  leave(wasCallers = false): void {
    if (this.isEmpty) return;
    if (wasCallers) this.#callers--;
    else this.#jobs--;
    if (this.isEmpty) this.#onEmpty();
  }

  /** All jobs are gone. */
  clear(): void {
    this.#jobs = this.#callers = 0;
  }

  /** Resolves when there is room; nothing is reserved. */
  wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.isFree) {
      this.take();
      return Promise.resolve();
    }
    return this.#waiters.wait(signal);
  }

  /** Lets those in for whom there is room, after the job that left has settled. */
  release(): void {
    while (this.#waiters.length > 0 && this.#hasRoomLeft) {
      this.take();
      this.#waiters.releaseFirst();
    }
  }

  /** Takes room for one, until the end of the turn. */
  take(): void {
    // Without a limit, nobody waits.
    if (this.#capacity === Infinity) return;
    this.#released++;
    if (this.#isExpiryDue) return;
    this.#isExpiryDue = true;
    atEndOfTurn(this.#expire);
  }

  /** Those who have not used the room by now may find none later. */
  readonly #expire = (): void => {
    this.#isExpiryDue = false;
    this.#released = 0;
    this.release();
  };

  /** Rejects all waiters: there will be no more room. */
  refuse(refusal: () => Error): void {
    this.#waiters.refuse(refusal);
  }
}
