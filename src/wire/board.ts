// The shared memory in which main and one worker agree, for each job in flight,
// who has it and how it ended. README.md says why no job is lost or done twice.
//
// A result that is a primitive, or short plain data, is written here, so it has
// left the worker before the next job starts: a long job holds up no result of
// those before it, and a crash loses none.

import {
  compareExchange,
  exchange,
  load,
  store,
} from "../values/intrinsics.ts";
import { fromText, keepText, toText } from "../values/plain_text.ts";
import { TextRing } from "./text_ring.ts";

/** How many jobs may be in flight to one worker, at least: a power of two. */
const SLOTS = 1024;

/** How many slots a worker of this concurrency needs, so that none is short of jobs. */
export function slotsFor(concurrency: number): number {
  return Math.max(SLOTS, 2 ** Math.ceil(Math.log2(2 * concurrency)));
}

/** What a slot's word says of its job. */
export const State = {
  TAKEN_BACK: 0,
  SENT: 1,
  /** On its way to a process, which gives nothing back. */
  WRITTEN: 2,
  CLAIMED: 3,
  /** The ending is in a message. */
  POSTED: 4,
  /** From here on, the job has ended with a result that is on the board. */
  UNDEFINED: 5,
  NULL: 6,
  TRUE: 7,
  FALSE: 8,
  NUMBER: 9,
  TEXT: 10,
  /** A response, as text. */
  RESPONSE: 11,
} as const;

/** One of {@linkcode State}. */
export type State = typeof State[keyof typeof State];

/** A word is a sequence number, as far as it fits, and a state. */
const STATE_BITS = 4;
const STATE_MASK = (1 << STATE_BITS) - 1;

/** Bytes before the slots, and the words in them. */
const HEAD_BYTES = 24;
/** Whether main will look at the board without being woken. */
const AWAKE = 0;
/** How often the worker has heard that a job must end. */
const HEARD = 1;
/** How many large results main has read. */
const LARGE_READ = 2;
/** Whether the worker has something to do before it ends. */
const STOP = 3;
/** Whether main has ended the worker. */
const ENDED = 4;
/** Bytes of a slot: its word, and three numbers. */
const SLOT_BYTES = Int32Array.BYTES_PER_ELEMENT +
  3 * Float64Array.BYTES_PER_ELEMENT;

/** What a worker does with its board. */
export interface WorkerBoard {
  claim(seq: number, start: number): boolean;
  setEnd(seq: number, end: number): void;
  settle(seq: number, result: unknown): boolean;
  settlePosted(seq: number): void;
  /** Ends a claimed job with a response, given as text; `false` if it does not fit. */
  settleResponse?(seq: number, text: string): boolean;
  state(seq: number): State;
  hear(): void;
  readonly largeRead: number;
  wake(): boolean;
  /** The job goes on by itself: others may start. */
  waits?(seq: number): void;
  askToStop(): void;
}

/** Main's and a worker's view of the same shared memory. */
export class Board implements WorkerBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #mask: number;
  readonly #head: Int32Array;
  readonly #words: Int32Array;
  /** A number that is a result, or the place of a text. */
  readonly #values: Float64Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #texts: TextRing;
  /** Main: values that have been read ahead, the next one last. */
  #parsed: unknown[] = [];

  /** Main: makes a board; a worker gets the buffer of main's. */
  constructor(
    slots: number,
    buffer = new SharedArrayBuffer(
      HEAD_BYTES + slots * SLOT_BYTES + TextRing.BYTES,
    ),
  ) {
    this.buffer = buffer;
    this.#mask = slots - 1;
    this.#head = new Int32Array(buffer, 0, HEAD_BYTES / 4);
    this.#words = new Int32Array(buffer, HEAD_BYTES, slots);
    let offset = HEAD_BYTES + this.#words.byteLength;
    const column = () => {
      const numbers = new Float64Array(buffer, offset, slots);
      offset += numbers.byteLength;
      return numbers;
    };
    this.#values = column();
    this.#starts = column();
    this.#ends = column();
    this.#texts = new TextRing(buffer, offset);
  }

  /** Main: the job of this sequence number is on its way. */
  send(seq: number): void {
    this.#set(seq, State.SENT);
  }

  /** Worker: takes the job, which starts now on main's clock, unless main has taken it back. */
  claim(seq: number, start: number): boolean {
    const index = seq & this.#mask;
    // A later job may be running in this slot, aside: its start is its own.
    if (load(this.#words, index) !== word(seq, State.SENT)) return false;
    this.#starts[index] = start;
    return this.#swap(seq, State.CLAIMED);
  }

  /** Main: the job leaves for a process now, unless it was taken back. */
  write(seq: number, now: number): boolean {
    this.#starts[seq & this.#mask] = now;
    return this.#swap(seq, State.WRITTEN);
  }

  /** Main: the process has started it. */
  started(seq: number, start: number): void {
    this.#starts[seq & this.#mask] = start;
    this.#set(seq, State.CLAIMED);
  }

  /** Main: takes the job back, unless the worker has claimed it. */
  takeBack(seq: number): boolean {
    return this.#swap(seq, State.TAKEN_BACK);
  }

  #set(seq: number, state: State): void {
    store(this.#words, seq & this.#mask, word(seq, state));
  }

  #swap(seq: number, state: State): boolean {
    const sent = word(seq, State.SENT);
    const index = seq & this.#mask;
    const next = word(seq, state);
    return compareExchange(this.#words, index, sent, next) === sent;
  }

  /** Worker: when a claimed job has ended, on main's clock. */
  setEnd(seq: number, end: number): void {
    this.#ends[seq & this.#mask] = end;
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
        this.#values[seq & this.#mask] = result;
        state = State.NUMBER;
        break;
      default:
        if (result === null) state = State.NULL;
        else if (this.#writeText(seq, result)) state = State.TEXT;
        else return false;
    }
    this.#set(seq, state);
    return true;
  }

  #writeText(seq: number, result: unknown): boolean {
    const text = toText(result);
    if (text === undefined) return false;
    const isWritten = this.#write(seq, text);
    if (!isWritten) keepText(result, text);
    return isWritten;
  }

  #write(seq: number, text: string): boolean {
    const place = this.#texts.write(text);
    if (place < 0) return false;
    this.#values[seq & this.#mask] = place;
    return true;
  }

  settleResponse(seq: number, text: string): boolean {
    const isWritten = this.#write(seq, text);
    if (isWritten) this.#set(seq, State.RESPONSE);
    return isWritten;
  }

  /** Worker: the job's ending leaves in a message. */
  settlePosted(seq: number): void {
    this.#set(seq, State.POSTED);
  }

  /** What has become of a job in flight. */
  state(seq: number): State {
    return (load(this.#words, seq & this.#mask) & STATE_MASK) as State;
  }

  /**
   * Main: the result of a job whose state is past `POSTED`. Texts must be read
   * once, in the order in which they were written; they are read ahead, up to the
   * job before `end`.
   */
  result(seq: number, state: State, end: number): unknown {
    switch (state) {
      case State.TEXT:
      case State.RESPONSE:
        if (this.#parsed.length === 0) this.#parsed = this.#readTexts(seq, end);
        return this.#parsed.pop();
      case State.NUMBER:
        return this.#values[seq & this.#mask];
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
    const first = this.#values[seq & this.#mask];
    let last = first;
    while (++seq < end && this.state(seq) >= State.TEXT) {
      const next = this.#values[seq & this.#mask];
      if (!this.#texts.follows(last, next)) break;
      last = next;
    }
    const texts = this.#texts.read(first, last);
    return (fromText(texts) as unknown[]).reverse();
  }

  /** Main: when a job started, in ms on main's clock. */
  start(seq: number): number {
    return this.#starts[seq & this.#mask];
  }

  /** Main: when a job ended, in ms on main's clock. */
  end(seq: number): number {
    return this.#ends[seq & this.#mask];
  }

  /** Worker: was told that a job must end. */
  hear(): void {
    store(this.#head, HEARD, this.heard + 1);
  }

  /** Main: how often the worker has heard that. */
  get heard(): number {
    return load(this.#head, HEARD);
  }

  /** Main: ends the worker, which may not have begun. */
  endWorker(): void {
    store(this.#head, ENDED, 1);
  }

  /** Worker: whether main has ended it. */
  get isEnded(): boolean {
    return load(this.#head, ENDED) !== 0;
  }

  /** Worker: has something to do before it ends. */
  askToStop(): void {
    store(this.#head, STOP, 1);
  }

  /** Main: whether the worker has. A message that says so could come after a result. */
  get asksToStop(): boolean {
    return load(this.#head, STOP) !== 0;
  }

  /** Main: has read a large result. */
  hasRead(): void {
    store(this.#head, LARGE_READ, this.largeRead + 1);
  }

  /** How many large results main has read. */
  get largeRead(): number {
    return load(this.#head, LARGE_READ);
  }

  /** Worker: whether it must wake main, since nothing else will. */
  wake(): boolean {
    return exchange(this.#head, AWAKE, 1) === 0;
  }

  /** Main: is about to look; for what ends later it must be woken again. */
  awake(): void {
    store(this.#head, AWAKE, 0);
  }
}

function word(seq: number, state: State): number {
  return seq << STATE_BITS | state;
}
