// A ring in shared memory: a worker writes JSON texts one after the other, and
// main reads consecutive texts together. Positions only grow (modulo 2 ** 32) and
// say how far each side has come. README.md has the details.

import { floor, load, store, unbind } from "../values/intrinsics.ts";
import { skipFor } from "../values/ring_space.ts";

/** Size of the ring in bytes; a power of two. */
const SIZE = 256 * 1024;
const MASK = SIZE - 1;
/** Number of bytes before the texts: main's position and padding. */
const HEAD = 8;
/** A place combines a position and a length in one number. */
const LENGTHS = 2 ** 20;
/** Follows each text, so consecutive texts form one JSON list. */
const COMMA = 44;

const { TextEncoder, Uint8Array } = globalThis;
const encodeInto = unbind(TextEncoder.prototype.encodeInto);

/** A ring of texts with one writer and one reader. */
export class TextRing {
  static readonly BYTES: number = HEAD + SIZE;
  /** Main's position. The worker can overwrite everything before it. */
  readonly #read: Int32Array;
  readonly #buffer: SharedArrayBuffer;
  /** Where the texts begin in the buffer. */
  readonly #offset: number;
  /** Worker: position up to which it has written. */
  #written = 0;
  // Created on first use, because that costs a new thread half a millisecond.
  #encoder: TextEncoder | undefined;
  #decoder: TextDecoder | undefined;

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.#read = new Int32Array(buffer, offset, 1);
    this.#buffer = buffer;
    this.#offset = offset + HEAD;
  }

  /** Worker: writes a text. Returns its place, or -1 if there is no room. */
  write(text: string): number {
    // UTF-8 takes at most three bytes per character; the comma takes one.
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

  /** Main: returns whether the second place directly follows the first. */
  follows(first: number, second: number): boolean {
    const position = positionOf(second);
    return position === endOf(first) && (position & MASK) !== 0;
  }

  /** Main: returns the texts from the first place to the last as one JSON list, and releases them. */
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
  // A remainder would take 170 ns instead of 40 for each result.
  return place - positionOf(place) * LENGTHS;
}

/** Returns the position after a text and its comma. */
function endOf(place: number): number {
  return (positionOf(place) + lengthOf(place) + 1) >>> 0;
}
