// The job with which a worker was left alone: whether it has ended since.

import { type Board, State } from "../wire/board.ts";

/** Watches one that is no longer in flight. */
export class LostJob {
  readonly #board: Board;
  #seq = 0;
  /** Whether a message has said how it ended. */
  #isHeard = false;

  constructor(board: Board) {
    this.#board = board;
  }

  /** The worker is left alone with this one. */
  set(seq: number): void {
    this.#seq = seq;
    this.#isHeard = false;
  }

  /** A job has ended that is not in flight any more. */
  hear(seq: number): void {
    if (seq === this.#seq) this.#isHeard = true;
  }

  /** Whether it has ended, and what it gives has left. */
  get hasEnded(): boolean {
    const state = this.#board.state(this.#seq);
    return state === State.POSTED ? this.#isHeard : state !== State.CLAIMED;
  }
}
