// Shared memory into which a worker writes what its channels tell main, as far
// as that is short: main sees it even if the worker is at a long job by then, or
// has died.
//
// What does not fit goes by message. Records that were written before such a
// message and after it are told apart by their epoch, the number of messages
// that precede them, so that all keep their order.

import { load, setOf, store, unbind } from "../values/intrinsics.ts";
import { Op } from "./op.ts";

/** Bytes of the ring: a power of two. */
const SIZE = 256 * 1024;
const MASK = SIZE - 1;
/** The two positions: how far it has been written, and how far it has been read. */
const WRITTEN = 0;
const READ = 1;
/** Whether the writer is in the middle of a turn of its event loop. */
const IN_TURN = 2;
const HEAD = 12;
/** A record begins with a channel's id, an op with its epoch, and a number: a value, or the count of the bytes that follow. */
const HEADER = 12;
const OP_BITS = 4;
const OP_MASK = (1 << OP_BITS) - 1;
const EPOCH_MASK = (1 << 28) - 1;
/** Instead of an id: what is left of the ring is not used. */
const SKIP = 0x7fffffff;
/** Longer bytes go by message. */
export const LONGEST = 8 * 1024;

const setBytes = unbind(Uint8Array.prototype.set);

/** What has a number for its value. */
const HAS_NUMBER = setOf<Op>([Op.CREDIT, Op.BLOCK, Op.FREE, Op.ENDED]);

/** Hears what is read. */
export type Hear = (id: number, op: Op, value: unknown) => void;

/** Where one thread writes short records, and another reads them. */
export interface Ring {
  /** Whether the two share memory. */
  readonly isShared: boolean;
  isInTurn: boolean;
  write(epoch: number, id: number, op: Op, value: unknown): boolean;
  read(epoch: number, hear: Hear): void;
}

/** Where there is no shared memory: everything goes by message. */
export const NO_RING: Ring = {
  isShared: false,
  get isInTurn() {
    return false;
  },
  set isInTurn(_value) {
    // The other end does not see it.
  },
  write: () => false,
  read() {
    // Nothing is ever in it.
  },
};

/** A ring of records with one writer and one reader. */
export class FlowRing implements Ring {
  readonly isShared = true;
  readonly buffer: SharedArrayBuffer;
  readonly #positions: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Writer: how far it has written; reader: how far it has read, modulo 2 ** 32. */
  #position = 0;

  constructor(buffer = new SharedArrayBuffer(HEAD + SIZE)) {
    this.buffer = buffer;
    this.#positions = new Int32Array(buffer, 0, HEAD / 4);
    this.#words = new Int32Array(buffer, HEAD, SIZE / 4);
    this.#bytes = new Uint8Array(buffer, HEAD, SIZE);
  }

  /** Writer: whether it is in the middle of a turn. */
  set isInTurn(value: boolean) {
    store(this.#positions, IN_TURN, value ? 1 : 0);
  }

  /** Reader: whether the writer is in the middle of a turn. */
  get isInTurn(): boolean {
    return load(this.#positions, IN_TURN) === 1;
  }

  /** Writer: writes a record; `false`, and nothing is done, if it does not fit. */
  write(epoch: number, id: number, op: Op, value: unknown): boolean {
    let number = 0;
    let bytes: Uint8Array | undefined;
    if (value instanceof Uint8Array) {
      if (value.length > LONGEST) return false;
      bytes = value;
      number = value.length;
    } else if (op === Op.DATA) return false;
    else if (typeof value === "number") number = value;
    else if (value !== undefined) return false;
    const length = HEADER + (bytes ? padded(number) : 0);
    let start = this.#position & MASK;
    const skipped = start + length > SIZE ? SIZE - start : 0;
    const used = (this.#position - load(this.#positions, READ)) >>> 0;
    if (used + skipped + length > SIZE) return false;
    if (skipped > 0) {
      this.#words[start / 4] = SKIP;
      start = 0;
    }
    const word = start / 4;
    this.#words[word] = id;
    this.#words[word + 1] = op | (epoch & EPOCH_MASK) << OP_BITS;
    this.#words[word + 2] = number;
    if (bytes) setBytes(this.#bytes, bytes, start + HEADER);
    this.#position = (this.#position + skipped + length) | 0;
    store(this.#positions, WRITTEN, this.#position);
    return true;
  }

  /** Reader: hears all records of an epoch, up to the first of another. */
  read(epoch: number, hear: Hear): void {
    const written = load(this.#positions, WRITTEN);
    // Whoever hears of a record may come here again, and read on.
    while (((written - this.#position) | 0) > 0) {
      const start = this.#position & MASK;
      const word = start / 4;
      const id = this.#words[word];
      if (id === SKIP) {
        this.#advance(SIZE - start);
        continue;
      }
      const op = (this.#words[word + 1] & OP_MASK) as Op;
      if (this.#words[word + 1] >>> OP_BITS !== (epoch & EPOCH_MASK)) return;
      const number = this.#words[word + 2];
      if (op !== Op.DATA) {
        this.#advance(HEADER);
        hear(id, op, HAS_NUMBER.has(op) ? number : undefined);
        continue;
      }
      const from = start + HEADER;
      const bytes = this.#bytes.slice(from, from + number);
      this.#advance(HEADER + padded(number));
      hear(id, op, bytes);
    }
  }

  /** What was read may be written over. */
  #advance(length: number): void {
    this.#position = (this.#position + length) | 0;
    store(this.#positions, READ, this.#position);
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
