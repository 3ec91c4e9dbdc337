// Reads, on main, the chunks of frames that a process writes, and tells them from
// the text between them.

import {
  ATOMIC,
  CHUNK_HEAD,
  GOES_ON,
  type Kind,
  LONGEST_CHUNK,
  MARK,
} from "./frames.ts";

/** What the reader finds. */
export interface ChunkEvents {
  frame(kind: Kind, bytes: Uint8Array): void;
  /** Bytes that are of no frame. */
  text(bytes: Uint8Array): void;
}

const NONE = new Uint8Array();

/** Takes bytes as they come. */
export class ChunkReader {
  readonly #mark: Uint8Array;
  readonly #longest: number;
  readonly #events: ChunkEvents;
  /** The beginning of what may be the head of a chunk. */
  #rest: Uint8Array = NONE;
  /** How much of a chunk is still to come. */
  #left = 0;
  /** The chunk, if it does not come in one piece. */
  #chunk: Uint8Array | undefined;
  #goesOn = false;
  #kind: Kind = 0;
  /** What is here of a frame. */
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param longest No frame may be longer, in bytes */
  constructor(mark: Uint8Array, longest: number, events: ChunkEvents) {
    this.#mark = mark;
    this.#longest = longest;
    this.#events = events;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {RangeError} If a chunk or a frame is longer, or shorter, than any may be
   */
  push(bytes: Uint8Array): void {
    if (this.#rest.length > 0) {
      bytes = concat([this.#rest, bytes], this.#rest.length + bytes.length);
      this.#rest = NONE;
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) at += this.#takePart(bytes, at);
      else if (!this.#isMark(bytes, at)) at += this.#takeText(bytes, at);
      else if (bytes.length - at < CHUNK_HEAD) {
        this.#rest = bytes.slice(at);
        return;
      } else {
        this.#begin(bytes, at + MARK);
        at += CHUNK_HEAD;
      }
    }
  }

  /** Nothing follows. */
  end(): void {
    if (this.#rest.length > 0) this.#events.text(this.#rest);
    this.#rest = NONE;
  }

  /** Whether a mark stands there, as far as the bytes reach. */
  #isMark(bytes: Uint8Array, at: number): boolean {
    const end = Math.min(bytes.length - at, MARK);
    for (let i = 0; i < end; i++) {
      if (bytes[at + i] !== this.#mark[i]) return false;
    }
    return true;
  }

  #takeText(bytes: Uint8Array, start: number): number {
    let end = start;
    do {
      end = bytes.indexOf(this.#mark[0], end + 1);
      if (end < 0) end = bytes.length;
    } while (end < bytes.length && !this.#isMark(bytes, end));
    this.#events.text(bytes.subarray(start, end));
    return end - start;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const head = new DataView(bytes.buffer, bytes.byteOffset + at);
    this.#left = head.getUint32(0);
    const kind = head.getUint8(4);
    this.#goesOn = (kind & GOES_ON) !== 0;
    this.#kind = (kind & ~GOES_ON) as Kind;
    this.#length += this.#left;
    // Short ones would cost more memory than they hold.
    const least = this.#goesOn ? ATOMIC - CHUNK_HEAD : 1;
    if (this.#left < least || this.#left > LONGEST_CHUNK) {
      throw new RangeError(`A chunk has ${this.#left} bytes`);
    }
    if (this.#length > this.#longest) {
      throw new RangeError(
        `A message has more than the ${this.#longest} bytes that it may have`,
      );
    }
  }

  #takePart(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + this.#left);
    if (this.#chunk === undefined && part.length === this.#left) {
      this.#left = 0;
      this.#isWhole(part);
    } else {
      const chunk = this.#chunk ??= new Uint8Array(this.#left);
      chunk.set(part, chunk.length - this.#left);
      this.#left -= part.length;
      if (this.#left === 0) this.#isWhole(chunk);
    }
    return part.length;
  }

  #isWhole(chunk: Uint8Array): void {
    this.#chunk = undefined;
    const parts = this.#parts;
    if (this.#goesOn) {
      // What it was read with is not to stay for it.
      const isSmall = chunk.length * 2 < chunk.buffer.byteLength;
      parts.push(isSmall ? chunk.slice() : chunk);
      return;
    }
    parts.push(chunk);
    const frame = parts.length === 1 ? chunk : concat(parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    this.#events.frame(this.#kind, frame);
  }
}

function concat(parts: Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
