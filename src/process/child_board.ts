// What a process tells main of its jobs, in the place of the board that threads
// share with main.

import { State, type WorkerBoard } from "../wire/board.ts";
import { SafeSet } from "../values/intrinsics.ts";
import { toText } from "../values/plain_text.ts";

/** Sends the text of a message to main. */
export type SendText = (text: string) => void;

/** A board that sends what is written to it. */
export class ChildBoard implements WorkerBoard {
  readonly #send: SendText;
  /** Whether main has to know when a job goes on by itself. */
  readonly #tellsWaits: boolean;
  /** The job that was claimed last, and what has become of it. */
  #last = -1;
  #lastState: State = State.UNDEFINED;
  /** Jobs that main has taken back, though it had to send what moved with them. */
  readonly #void = new SafeSet<number>();

  constructor(send: SendText, concurrency: number) {
    this.#send = send;
    this.#tellsWaits = concurrency > 1;
  }

  /** The job of this number is not to start. */
  cancel(seq: number): void {
    this.#void.add(seq);
  }

  claim(seq: number): boolean {
    // Main has claimed all others as it sent them.
    if (this.#void.delete(seq)) return false;
    this.#last = seq;
    this.#lastState = State.CLAIMED;
    return true;
  }

  waits(seq: number): void {
    if (this.#tellsWaits) this.#send(`{"kind":"waits","seq":${seq}}`);
  }

  setEnd(): void {
    // Main's own clock says when it hears of it.
  }

  settle(seq: number, result: unknown): boolean {
    const text = result === undefined ? "null" : toText(result);
    if (text === undefined) return false;
    const list = result === undefined ? `[${seq}]` : `[${seq},${text}]`;
    this.#send(list);
    this.#note(seq, State.UNDEFINED);
    return true;
  }

  settlePosted(seq: number): void {
    this.#note(seq, State.POSTED);
  }

  #note(seq: number, state: State): void {
    if (seq === this.#last) this.#lastState = state;
  }

  state(seq: number): State {
    return seq === this.#last ? this.#lastState : State.UNDEFINED;
  }

  hear(): void {
    // Who does not hear is killed all the same.
  }

  get largeRead(): number {
    // Main sends the next job only when it has the result of the last.
    return Infinity;
  }

  wake(): boolean {
    // Main hears of everything by itself.
    return false;
  }
}
