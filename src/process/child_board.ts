// What a process tells main of its jobs, in the place of the board that threads
// share with main.

import { SafeSet } from "../values/intrinsics.ts";
import { toText } from "../values/plain_text.ts";
import { State, type WorkerBoard } from "../wire/board.ts";

/** A board that sends what is written to it. */
export class ChildBoard implements WorkerBoard {
  readonly #send: (text: string) => void;
  /** Whether main has to know when a job goes on by itself. */
  readonly #tellsWaits: boolean;
  /** The job that was claimed last, and what has become of it. */
  #last = -1;
  #lastState: State = State.UNDEFINED;
  #hasLeft = false;
  /** Jobs that main has taken back, though it had to send what moved with them. */
  readonly #canceled = new SafeSet<number>();
  /** Main sends the next job only when it has the result of the last. */
  readonly largeRead: number = Infinity;

  /** @param send Sends the text of a message to main */
  constructor(send: (text: string) => void, concurrency: number) {
    this.#send = send;
    this.#tellsWaits = concurrency > 1;
  }

  /** Main has taken this job back. */
  cancel(seq: number): void {
    this.#canceled.add(seq);
  }

  /** No job starts any more: those of which main has not been told have not. */
  leave(): void {
    this.#hasLeft = true;
  }

  claim(seq: number): boolean {
    if (this.#hasLeft || this.#canceled.delete(seq)) return false;
    this.#send(`{"kind":"started","seq":${seq}}`);
    this.#last = seq;
    this.#lastState = State.CLAIMED;
    return true;
  }

  waits(seq: number): void {
    if (this.#tellsWaits) this.#send(`{"kind":"waits","seq":${seq}}`);
  }

  askToStop(): void {
    this.#send('{"kind":"stops"}');
  }

  setEnd(): void {
    // Main's own clock says when it hears of it.
  }

  settle(seq: number, result: unknown): boolean {
    const text = result === undefined ? "" : toText(result);
    if (text === undefined) return false;
    this.#send(text === "" ? `[${seq}]` : `[${seq},${text}]`);
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
    // One that does not hear is killed all the same.
  }

  wake(): boolean {
    // Main hears of everything by itself.
    return false;
  }
}
