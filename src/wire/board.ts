// The shared memory of main and one worker. It records who has each job in flight
// and how the job ended. README.md explains why no job is lost or runs twice.
//
// Primitives and short plain data are written here as results, so they leave the
// worker before the next job starts: a long job delays no earlier result, and a
// crash loses none.

import {
  compareExchange,
  exchange,
  load,
  store,
} from "../values/intrinsics.ts";
import { fromText, keepText, toText } from "../values/plain_text.ts";
import { TextRing } from "./text_ring.ts";

/** Minimum number of jobs that can be in flight to one worker; a power of two. */
const SLOTS = 1024;

/** Returns the number of slots that keep a worker of this concurrency supplied with jobs. */
export function slotsFor(concurrency: number): number {
  return Math.max(SLOTS, 2 ** Math.ceil(Math.log2(2 * concurrency)));
}

/** States of a job, as stored in its slot's word. */
export const State = {
  TAKEN_BACK: 0,
  SENT: 1,
  /** On its way to a process, from which main cannot take the job back. */
  WRITTEN: 2,
  CLAIMED: 3,
  /** The ending is in a message. */
  POSTED: 4,
  /** This and all later states: the job has ended and its result is on the board. */
  UNDEFINED: 5,
  NULL: 6,
  TRUE: 7,
  FALSE: 8,
  NUMBER: 9,
  TEXT: 10,
  /** The result is a response, as text. */
  RESPONSE: 11,
} as const;

/** One of {@linkcode State}. */
export type State = typeof State[keyof typeof State];

/** A word combines a state with as many bits of the sequence number as fit. */
const STATE_BITS = 4;
const STATE_MASK = (1 << STATE_BITS) - 1;

/** Number of bytes before the slots. The indexes of the words in them follow. */
const HEAD_BYTES = 24;
/** Whether main will check the board without being woken. */
const AWAKE = 0;
/** How often the worker was notified that a job must end. */
const HEARD = 1;
/** Number of large results that main has read. */
const LARGE_READ = 2;
/** Whether the worker has something to do before it ends. */
const STOP = 3;
/** Whether main has ended the worker. */
const ENDED = 4;
/** Number of bytes of a slot: its word and three numbers. */
const SLOT_BYTES = Int32Array.BYTES_PER_ELEMENT +
  3 * Float64Array.BYTES_PER_ELEMENT;

/** The worker's operations on its board. */
export interface WorkerBoard {
  claim(seq: number, start: number): boolean;
  setEnd(seq: number, end: number): void;
  settle(seq: number, result: unknown): boolean;
  settlePosted(seq: number): void;
  /** Settles a claimed job with a response as text. Returns `false` if it does not fit. */
  settleResponse?(seq: number, text: string): boolean;
  state(seq: number): State;
  hear(): void;
  readonly largeRead: number;
  wake(): boolean;
  /** Records that the job continues asynchronously, so other jobs can start. */
  waits?(seq: number): void;
  askToStop(): void;
}

/** View of the shared memory, for main or the worker. */
export class Board implements WorkerBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #mask: number;
  readonly #head: Int32Array;
  readonly #words: Int32Array;
  /** Numeric results, or the places of texts. */
  readonly #values: Float64Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #texts: TextRing;
  /** Main: results that were read ahead; the next result is last. */
  #parsed: unknown[] = [];

  /** Main creates the buffer; the worker passes main's buffer. */
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

  /** Main: marks the job with this sequence number as sent. */
  send(seq: number): void {
    this.#set(seq, State.SENT);
  }

  /** Worker: claims the job, with its start on main's clock. Returns `false` if main took it back. */
  claim(seq: number, start: number): boolean {
    const index = seq & this.#mask;
    // A later job may be running aside in this slot: its start must stay.
    if (load(this.#words, index) !== word(seq, State.SENT)) return false;
    this.#starts[index] = start;
    return this.#swap(seq, State.CLAIMED);
  }

  /** Main: marks the job as written to a process. Returns `false` if it was taken back. */
  write(seq: number, now: number): boolean {
    this.#starts[seq & this.#mask] = now;
    return this.#swap(seq, State.WRITTEN);
  }

  /** Main: marks the job as started by its process. */
  started(seq: number, start: number): void {
    this.#starts[seq & this.#mask] = start;
    this.#set(seq, State.CLAIMED);
  }

  /** Main: takes the job back. Returns `false` if the worker has claimed it. */
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

  /** Worker: stores when a claimed job ended, on main's clock. */
  setEnd(seq: number, end: number): void {
    this.#ends[seq & this.#mask] = end;
  }

  /**
   * Worker: settles a claimed job with a result. Returns `false`, and changes
   * nothing, if the result does not fit the board.
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

  /** Worker: marks the job's ending as sent by message. */
  settlePosted(seq: number): void {
    this.#set(seq, State.POSTED);
  }

  /** Returns the state of a job in flight. */
  state(seq: number): State {
    return (load(this.#words, seq & this.#mask) & STATE_MASK) as State;
  }

  /**
   * Main: returns the result of a job whose state is past `POSTED`. Main must read
   * each text once, in the order in which the texts were written. This reads texts
   * ahead, up to the last job before `end`.
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

  /** Reads all consecutive texts, because decoding and parsing them together is cheaper. */
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

  /** Main: returns when a job started, in ms on main's clock. */
  start(seq: number): number {
    return this.#starts[seq & this.#mask];
  }

  /** Main: returns when a job ended, in ms on main's clock. */
  end(seq: number): number {
    return this.#ends[seq & this.#mask];
  }

  /** Worker: records that it was notified that a job must end. */
  hear(): void {
    store(this.#head, HEARD, this.heard + 1);
  }

  /** Main: how often the worker was notified that a job must end. */
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

  /** Worker: announces that it has something to do before it ends. */
  askToStop(): void {
    store(this.#head, STOP, 1);
  }

  /** Main: whether the worker has something to do before it ends. A message could come too late. */
  get asksToStop(): boolean {
    return load(this.#head, STOP) !== 0;
  }

  /** Main: counts a large result as read. */
  hasRead(): void {
    store(this.#head, LARGE_READ, this.largeRead + 1);
  }

  /** Number of large results that main has read. */
  get largeRead(): number {
    return load(this.#head, LARGE_READ);
  }

  /** Worker: returns whether it must wake main, because no wake-up is on its way. */
  wake(): boolean {
    return exchange(this.#head, AWAKE, 1) === 0;
  }

  /** Main: announces that it is about to check the board. Later results must wake it again. */
  awake(): void {
    store(this.#head, AWAKE, 0);
  }
}

function word(seq: number, state: State): number {
  return seq << STATE_BITS | state;
}
