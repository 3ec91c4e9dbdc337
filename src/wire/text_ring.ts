// A ring in shared memory into which a worker writes JSON texts, one after the
// other, and from which main reads them in runs. Positions, which only grow
// (modulo 2 ** 32), say how far each has come; README.md tells more.

import { floor, load, store, unbind } from "../values/intrinsics.ts";
import { skipFor } from "../values/ring_space.ts";

/** Bytes of the ring: a power of two. */
const SIZE = 256 * 1024;
const MASK = SIZE - 1;
/** Bytes before the texts: main's position, and padding. */
const HEAD = 8;
/** A place is a position and a length in one number. */
const LENGTHS = 2 ** 20;
/** Stands behind each text, so that those that follow each other are one JSON list. */
const COMMA = 44;

const { TextEncoder, Uint8Array } = globalThis;
const encodeInto = unbind(TextEncoder.prototype.encodeInto);

/** A ring of texts with one writer and one reader. */
export class TextRing {
  static readonly BYTES: number = HEAD + SIZE;
  /** Main's position: all before it may be written over. */
  readonly #read: Int32Array;
  readonly #buffer: SharedArrayBuffer;
  /** Where in the buffer the texts begin. */
  readonly #offset: number;
  /** Worker: its position. */
  #written = 0;
  // Made when first used: to make them costs a new thread half a millisecond.
  #encoder: TextEncoder | undefined;
  #decoder: TextDecoder | undefined;

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.#read = new Int32Array(buffer, offset, 1);
    this.#buffer = buffer;
    this.#offset = offset + HEAD;
  }

  /** Worker: writes a text, and gives its place, or -1 if there is no room. */
  write(text: string): number {
    // In UTF-8 a text takes at most three bytes a character, and a comma.
    const most = 3 * text.length + 1;
    const read = load(this.#read, 0);
    const skipped = skipFor(this.#written, read, most, SIZE);
    if (skipped < 0) return -1;
    const position = (this.#written + skipped) >>> 0;
    const start = position & MASK;
    const bytes = new Uint8Array(this.#buffer, this.#offset + start, most);
    this.#encoder ??= new TextEncoder();
    const { written } = encodeInto(this.#encoder, text, bytes);
    bytes[written] = COMMA;
    this.#written = (position + written + 1) >>> 0;
    return position * LENGTHS + written;
  }

  /** Main: whether the second place is right behind the first. */
  follows(first: number, second: number): boolean {
    const position = positionOf(second);
    return position === endOf(first) && (position & MASK) !== 0;
  }

  /** Main: the texts from the first place to the last, as one JSON list; they are gone then. */
  read(first: number, last: number): string {
    const start = positionOf(first) & MASK;
    const end = (positionOf(last) & MASK) + lengthOf(last);
    const bytes = new Uint8Array(
      this.#buffer,
      this.#offset + start,
      end - start,
    );
    const texts = (this.#decoder ??= new TextDecoder()).decode(bytes);
    store(this.#read, 0, endOf(last) | 0);
    return `[${texts}]`;
  }
}

function positionOf(place: number): number {
  return floor(place / LENGTHS);
}

function lengthOf(place: number): number {
  // A remainder would take 170 ns instead of 40, for each result.
  return place - positionOf(place) * LENGTHS;
}

/** The position behind a text and its comma. */
function endOf(place: number): number {
  return (positionOf(place) + lengthOf(place) + 1) >>> 0;
}
