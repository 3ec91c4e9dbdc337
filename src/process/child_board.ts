// Reports the states of jobs from a process to main, in place of the board that
// threads share with main.

import { SafeSet } from "../values/intrinsics.ts";
import { toText } from "../values/plain_text.ts";
import { State, type WorkerBoard } from "../wire/board.ts";

/** A board that sends each entry to main. */
export class ChildBoard implements WorkerBoard {
  readonly #send: (text: string) => void;
  /** Whether to report a job that waits, because another job can then start. */
  readonly #tellsWaits: boolean;
  /** The job claimed last, and its state. */
  #last = -1;
  #lastState: State = State.UNDEFINED;
  #hasLeft = false;
  /** Jobs that main has taken back but still sends, because values moved with them. */
  readonly #canceled = new SafeSet<number>();
  /** Infinite, because main sends the next job only when it has the last result. */
  readonly largeRead: number = Infinity;

  /** @param send Sends the text of a message to main */
  constructor(send: (text: string) => void, concurrency: number) {
    this.#send = send;
    this.#tellsWaits = concurrency > 1;
  }

  /** Notes that main has taken this job back. */
  cancel(seq: number): void {
    this.#canceled.add(seq);
  }

  /** Starts no more jobs: a job not reported as started has not started. */
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
    // Main takes the time when it receives the result.
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
    // Main can kill a process even if it does not hear.
  }

  wake(): boolean {
    // Each message wakes main anyway.
    return false;
  }
}
