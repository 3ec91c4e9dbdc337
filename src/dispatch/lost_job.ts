// Tracks whether the job of a lost worker has ended.

import { type Board, State } from "../wire/board.ts";

/** Watches a job that is no longer in flight. */
export class LostJob {
  readonly #board: Board;
  #seq = 0;
  /** Whether a message has reported the end of the job. */
  #isHeard = false;

  constructor(board: Board) {
    this.#board = board;
  }

  /** Watches the job with this number. */
  set(seq: number): void {
    this.#seq = seq;
    this.#isHeard = false;
  }

  /** Records the reported end of a job that is no longer in flight. */
  hear(seq: number): void {
    if (seq === this.#seq) this.#isHeard = true;
  }

  /** Whether the job has ended, and its result has arrived. */
  get hasEnded(): boolean {
    const state = this.#board.state(this.#seq);
    return state === State.POSTED ? this.#isHeard : state !== State.CLAIMED;
  }
}
