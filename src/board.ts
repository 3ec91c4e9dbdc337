// The shared words through which main and one worker agree, for each job in
// flight, who has it and how it ended.
//
// A job in flight has a slot. Its word goes SENT -> CLAIMED -> an ending, or
// SENT -> nothing when main takes the job back, and whoever swaps the word
// first wins. The word also carries the job's sequence number, so that a stale
// slot is never mistaken for its successor.
//
// A result that is a primitive, or short plain data, is written here, so it has
// left the worker before the next job starts: a long job holds up no result of
// those before it, and a crash loses none.

import { fromText, toText } from "./plain_text.ts";
import { TextRing } from "./text_ring.ts";

/** The message of a worker by which main looks at its board. */
export const WAKE = 0;

/** The type of {@linkcode WAKE}. */
export type Wake = typeof WAKE;

/** In a list of jobs, instead of a count of arguments: they come as one JSON text. */
export const AS_TEXT = -1;

/** How many jobs may be in flight to one worker. */
export const SLOTS = 1024;

/** What a slot's word says of its job. */
export const State = {
  TAKEN_BACK: 0,
  SENT: 1,
  CLAIMED: 2,
  /** The ending is in a message. */
  POSTED: 3,
  UNDEFINED: 4,
  NULL: 5,
  TRUE: 6,
  FALSE: 7,
  NUMBER: 8,
  TEXT: 9,
} as const;

/** One of {@linkcode State}. */
export type State = typeof State[keyof typeof State];

const STATE_BITS = 4;
const STATE_MASK = (1 << STATE_BITS) - 1;
const SLOT_MASK = SLOTS - 1;
const AWAKE = SLOTS;
const WORDS_BYTES = (SLOTS + 2) * Int32Array.BYTES_PER_ELEMENT;
const COLUMN_BYTES = SLOTS * Float64Array.BYTES_PER_ELEMENT;

/** Main's and a worker's view of the same shared memory. */
export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #values: Float64Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #texts: TextRing;
  /** Main: values that have been read ahead, the next one last. */
  #parsed: unknown[] = [];

  constructor(
    buffer = new SharedArrayBuffer(
      WORDS_BYTES + 3 * COLUMN_BYTES + TextRing.BYTES,
    ),
  ) {
    const column = (index: number) =>
      new Float64Array(buffer, WORDS_BYTES + index * COLUMN_BYTES, SLOTS);
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, SLOTS + 1);
    this.#values = column(0);
    this.#starts = column(1);
    this.#ends = column(2);
    this.#texts = new TextRing(buffer, WORDS_BYTES + 3 * COLUMN_BYTES);
  }

  /** Main: the job of this sequence number is on its way. */
  send(seq: number): void {
    Atomics.store(this.#words, seq & SLOT_MASK, word(seq, State.SENT));
  }

  /** Worker: takes the job, unless main has taken it back. */
  claim(seq: number): boolean {
    return this.#swap(seq, State.CLAIMED);
  }

  /** Main: takes the job back, unless the worker has started it. */
  takeBack(seq: number): boolean {
    return this.#swap(seq, State.TAKEN_BACK);
  }

  #swap(seq: number, state: State): boolean {
    const sent = word(seq, State.SENT);
    return Atomics.compareExchange(
      this.#words,
      seq & SLOT_MASK,
      sent,
      word(seq, state),
    ) === sent;
  }

  /** Worker: the times, on main's clock, at which a claimed job started and ended. */
  setTimes(seq: number, start: number, end: number): void {
    this.#starts[seq & SLOT_MASK] = start;
    this.#ends[seq & SLOT_MASK] = end;
  }

  /**
   * Worker: ends a claimed job with a result that fits here; `false`, and
   * nothing is done, for one that does not.
   */
  settle(seq: number, result: unknown): boolean {
    let state: State;
    switch (typeof result) {
      case "undefined":
        state = State.UNDEFINED;
        break;
      case "boolean":
        state = result ? State.TRUE : State.FALSE;
        break;
      case "number":
        this.#values[seq & SLOT_MASK] = result;
        state = State.NUMBER;
        break;
      default:
        if (result === null) state = State.NULL;
        else if (this.#writeText(seq, result)) state = State.TEXT;
        else return false;
    }
    Atomics.store(this.#words, seq & SLOT_MASK, word(seq, state));
    return true;
  }

  #writeText(seq: number, result: unknown): boolean {
    const text = toText(result);
    const place = text === undefined ? -1 : this.#texts.write(text);
    if (place < 0) return false;
    this.#values[seq & SLOT_MASK] = place;
    return true;
  }

  /** Worker: the job's ending has left in a message. */
  settlePosted(seq: number): void {
    Atomics.store(this.#words, seq & SLOT_MASK, word(seq, State.POSTED));
  }

  /** Main: what has become of a job in flight. */
  state(seq: number): State {
    return (Atomics.load(this.#words, seq & SLOT_MASK) & STATE_MASK) as State;
  }

  /**
   * Main: the result of a job whose state is past `POSTED`, read once and in
   * order; texts are read ahead, up to the job before `end`.
   */
  result(seq: number, state: State, end: number): unknown {
    switch (state) {
      case State.TEXT:
        if (this.#parsed.length === 0) this.#parsed = this.#readTexts(seq, end);
        return this.#parsed.pop();
      case State.NUMBER:
        return this.#values[seq & SLOT_MASK];
      case State.TRUE:
        return true;
      case State.FALSE:
        return false;
      case State.NULL:
        return null;
      default:
        return undefined;
    }
  }

  /** All texts that follow each other: to decode and parse them at once is cheap. */
  #readTexts(seq: number, end: number): unknown[] {
    const first = this.#values[seq & SLOT_MASK];
    let last = first;
    while (++seq < end && this.state(seq) === State.TEXT) {
      const next = this.#values[seq & SLOT_MASK];
      if (!this.#texts.follows(last, next)) break;
      last = next;
    }
    const texts = this.#texts.read(first, last);
    return (fromText(texts) as unknown[]).reverse();
  }

  /** Main: when a job started, in ms on main's clock. */
  start(seq: number): number {
    return this.#starts[seq & SLOT_MASK];
  }

  /** Main: when a job ended, in ms on main's clock. */
  end(seq: number): number {
    return this.#ends[seq & SLOT_MASK];
  }

  /** Worker: whether main has to be woken, since nothing else will do so. */
  wake(): boolean {
    return Atomics.exchange(this.#words, AWAKE, 1) === 0;
  }

  /** Main: is awake and about to look; later endings need a new wake-up. */
  awake(): void {
    Atomics.store(this.#words, AWAKE, 0);
  }
}

function word(seq: number, state: State): number {
  return seq << STATE_BITS | state;
}
