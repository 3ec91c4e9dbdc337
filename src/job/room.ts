// Counts the jobs that a pool has accepted and that have not left, and keeps the
// callers of `ready()` that wait for room.

import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { Waiters } from "./waiters.ts";

/** Releases waiters in order, each if there is room in addition to the waiters before it. */
export class Room {
  #capacity: number;
  readonly #onEmpty: () => void;
  #jobs = 0;
  /** Number of jobs that the caller executes, which take no room. */
  #callers = 0;
  readonly #waiters = new Waiters();
  /** Number of waiters released in this turn that may not have used their room yet. */
  #released = 0;
  #isExpiryDue = false;

  /**
   * @param capacity Maximum number of jobs in workers and in the queue
   * @param onEmpty Called when no jobs are left
   */
  constructor(capacity: number, onEmpty: () => void) {
    this.#capacity = capacity;
    this.#onEmpty = onEmpty;
  }

  /** Number of jobs that wait or occupy a worker. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Whether there are no jobs at all, including jobs that the caller executes. */
  get isEmpty(): boolean {
    return this.#jobs + this.#callers === 0;
  }

  /** Changes the maximum number of jobs. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.release();
  }

  /** Returns whether there is room for this many more jobs. */
  hasRoomFor(count: number): boolean {
    return this.#jobs + count <= this.#capacity;
  }

  /** Whether there is room for one more job in addition to all waiting and released callers. */
  get isFree(): boolean {
    return this.#waiters.length === 0 && this.#hasRoomLeft;
  }

  /** Whether there is room in addition to the released waiters. */
  get #hasRoomLeft(): boolean {
    return this.hasRoomFor(this.#released + 1);
  }

  /** Counts a new job, which may use the room of a released waiter. */
  enter(): void {
    this.#jobs++;
    if (this.#released > 0) this.#released--;
  }

  /** Counts a job that the caller executes. */
  enterCaller(): void {
    this.#callers++;
  }

  /**
   * Removes a job that neither waits nor occupies a worker. Call `release()` next.
   *
   * @param wasCallers Whether the caller executed the job
   */
  leave(wasCallers = false): void {
    if (this.isEmpty) return;
    if (wasCallers) this.#callers--;
    else this.#jobs--;
    if (this.isEmpty) this.#onEmpty();
  }

  /** Removes all jobs. */
  clear(): void {
    this.#jobs = this.#callers = 0;
  }

  /** Resolves when there is room. No other waiter gets that room in the same turn. */
  wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.isFree) {
      this.take();
      return Promise.resolve();
    }
    return this.#waiters.wait(signal);
  }

  /** Releases the waiters that there is room for. Call it once the job that left has settled. */
  release(): void {
    while (this.#waiters.length > 0 && this.#hasRoomLeft) {
      this.take();
      this.#waiters.releaseFirst();
    }
  }

  /** Takes room for one job until the end of the turn. */
  take(): void {
    // Without a limit, there are no waiters.
    if (this.#capacity === Infinity) return;
    this.#released++;
    if (this.#isExpiryDue) return;
    this.#isExpiryDue = true;
    atEndOfTurn(this.#expire);
  }

  /** Releases more waiters: room that was not used by now goes to them. */
  readonly #expire = (): void => {
    this.#isExpiryDue = false;
    this.#released = 0;
    this.release();
  };

  /** Rejects all waiters, because there will be no more room. */
  refuse(refusal: () => Error): void {
    this.#waiters.refuse(refusal);
  }
}
