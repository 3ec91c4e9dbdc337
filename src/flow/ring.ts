// A ring of shared memory for short records, with one writer and one reader. The reader
// sees the records even if the writer is busy with a long job or has died. README.md
// explains positions, memory order and epochs.

import { load, store } from "../values/intrinsics.ts";
import { skipFor } from "../values/ring_space.ts";
import { FlowEvent } from "./events.ts";
import { ShortCopies } from "./short_copies.ts";

/** Size of the ring in bytes: a power of two. */
export const SIZE = 256 * 1024;
const MASK = SIZE - 1;
/** Words before the ring: the writer's and the reader's position, and whether the writer is in a turn. */
const WRITTEN = 0;
const READ = 1;
const IN_TURN = 2;
const HEAD = 12;
/** Bytes of a record's header: channel id, event with epoch, and the value or the number of bytes that follow. */
const HEADER = 12;
const EVENT_BITS = 4;
const EVENT_MASK = (1 << EVENT_BITS) - 1;
const EPOCH_MASK = (1 << 28) - 1;
/** Id that marks the rest of the ring as unused. */
const SKIP = 0x7fffffff;
/** Maximum number of bytes of a chunk in the ring. */
export const MAX_RECORD_BYTES = 8 * 1024;

/** Events whose value is a number. */
const WITH_NUMBER = new Set<FlowEvent>([
  FlowEvent.CREDIT,
  FlowEvent.BLOCK,
  FlowEvent.FREE,
  FlowEvent.ENDED,
]);

/** Callback for a record that was read. */
export type Hear = (id: number, event: FlowEvent, value: unknown) => void;

/** A ring of records. */
export class FlowRing {
  readonly buffer: SharedArrayBuffer;
  readonly #positions: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #copies = new ShortCopies();
  /** Position of the writer, or of the reader, modulo 2 ** 32. */
  #position: number;

  constructor(buffer = new SharedArrayBuffer(HEAD + SIZE)) {
    this.buffer = buffer;
    this.#positions = new Int32Array(buffer, 0, HEAD / 4);
    this.#words = new Int32Array(buffer, HEAD, SIZE / 4);
    this.#bytes = new Uint8Array(buffer, HEAD, SIZE);
    this.#position = load(this.#positions, READ);
  }

  /** Writer: sets whether it is in a turn of its event loop. */
  set isInTurn(value: boolean) {
    store(this.#positions, IN_TURN, value ? 1 : 0);
  }

  /** Reader: whether the writer is in a turn. */
  get isInTurn(): boolean {
    return load(this.#positions, IN_TURN) === 1;
  }

  /**
   * Writer: writes a record; returns `false` without writing if there is no room, or the
   * id or value does not fit.
   */
  write(epoch: number, id: number, event: FlowEvent, value: unknown): boolean {
    if (!isInt32(id) || id === SKIP) return false;
    let number = 0;
    let bytes: Uint8Array | undefined;
    if (value instanceof Uint8Array) {
      if (value.length > MAX_RECORD_BYTES) return false;
      bytes = value;
      number = value.length;
    } else if (event === FlowEvent.DATA) return false;
    else if (typeof value === "number" && isInt32(value)) number = value;
    else if (value !== undefined) return false;
    const length = HEADER + (bytes ? padded(number) : 0);
    const read = load(this.#positions, READ);
    const skipped = skipFor(this.#position, read, length, SIZE);
    if (skipped < 0) return false;
    if (skipped > 0) this.#words[(this.#position & MASK) / 4] = SKIP;
    const start = (this.#position + skipped) & MASK;
    const word = start / 4;
    this.#words[word] = id;
    this.#words[word + 1] = event | (epoch & EPOCH_MASK) << EVENT_BITS;
    this.#words[word + 2] = number;
    if (bytes) this.#bytes.set(bytes, start + HEADER);
    this.#position = (this.#position + skipped + length) | 0;
    store(this.#positions, WRITTEN, this.#position);
    return true;
  }

  /** Reader: reads all records of an epoch, up to the first of another epoch. */
  read(epoch: number, hear: Hear): void {
    const written = load(this.#positions, WRITTEN);
    // `hear` can call `read()` again, which continues here.
    while (((written - this.#position) | 0) > 0) {
      const start = this.#position & MASK;
      const word = start / 4;
      const id = this.#words[word];
      if (id === SKIP) {
        this.#advance(SIZE - start);
        continue;
      }
      const event = (this.#words[word + 1] & EVENT_MASK) as FlowEvent;
      const epochOfRecord = this.#words[word + 1] >>> EVENT_BITS;
      if (epochOfRecord !== (epoch & EPOCH_MASK)) return;
      const number = this.#words[word + 2];
      let value: unknown;
      let length = HEADER;
      if (event === FlowEvent.DATA) {
        const from = start + HEADER;
        value = this.#copies.of(this.#bytes, from, from + number);
        length += padded(number);
      } else if (WITH_NUMBER.has(event)) value = number;
      this.#advance(length);
      hear(id, event, value);
    }
  }

  /** Lets the writer overwrite what was read. */
  #advance(length: number): void {
    this.#position = (this.#position + length) | 0;
    store(this.#positions, READ, this.#position);
  }
}

function isInt32(value: number): boolean {
  return value === (value | 0);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
