// Reads, on main, the chunks of frames that a process writes, and tells them from
// the text between them.

import {
  ATOMIC,
  CHUNK_HEAD,
  CHUNK_KIND,
  CHUNK_LENGTH,
  CHUNK_REST,
  Kind,
  LARGE,
  LONGEST_CHUNK,
  MARK,
} from "./frames.ts";

/** What the reader finds; the bytes are there for as long as the call takes. */
export interface ChunkEvents {
  text(text: Uint8Array): void;
  clone(clone: Uint8Array, buffers: Uint8Array<ArrayBuffer>[]): void;
  /** Bytes that are of no frame. */
  other(bytes: Uint8Array): void;
}

const NONE = new Uint8Array();
/** Of a frame that is said to be longer, memory for so much is taken at first. */
const FIRST = 2 ** 24;

/** Takes bytes as they come. */
export class ChunkReader {
  readonly #mark: Uint8Array;
  readonly #longest: number;
  readonly #events: ChunkEvents;
  /** The beginning of what may be the head of a chunk. */
  #rest: Uint8Array = NONE;
  #kind: Kind = Kind.TEXT;
  /** How much of a chunk is still to come. */
  #left = 0;
  /** How much of its frame follows in other chunks. */
  #following = 0;
  /** The frame, if it does not come in one piece. */
  #frame: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #length = 0;
  /** What came for the next clone. */
  #buffers: Uint8Array<ArrayBuffer>[] = [];
  #buffered = 0;

  /** @param longest No message may be longer, in bytes */
  constructor(mark: Uint8Array, longest: number, events: ChunkEvents) {
    this.#mark = mark;
    this.#longest = longest;
    this.#events = events;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {RangeError} If a chunk or a message is longer, or shorter, than any may be
   */
  push(bytes: Uint8Array): void {
    if (this.#rest.length > 0) {
      const all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
      bytes = all;
      this.#rest = NONE;
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) at += this.#takePart(bytes, at);
      else if (!this.#isMark(bytes, at)) at += this.#takeOther(bytes, at);
      else if (bytes.length - at < CHUNK_HEAD) {
        this.#rest = bytes.slice(at);
        return;
      } else {
        this.#begin(bytes, at);
        at += CHUNK_HEAD;
      }
    }
  }

  /** Nothing follows. */
  end(): void {
    if (this.#rest.length > 0) this.#events.other(this.#rest);
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

  #takeOther(bytes: Uint8Array, start: number): number {
    let end = start;
    do {
      end = bytes.indexOf(this.#mark[0], end + 1);
      if (end < 0) end = bytes.length;
    } while (end < bytes.length && !this.#isMark(bytes, end));
    this.#events.other(bytes.subarray(start, end));
    return end - start;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const length = uint32(bytes, at + CHUNK_LENGTH);
    const kind = bytes[at + CHUNK_KIND] as Kind;
    const following = uint32(bytes, at + CHUNK_REST);
    // Short ones would cost more than what they hold.
    const least = following > 0 ? ATOMIC - CHUNK_HEAD : 1;
    if (length < least || length > LONGEST_CHUNK - CHUNK_HEAD) {
      throw new RangeError(`A chunk has ${length} bytes`);
    }
    this.#left = length;
    if (this.#following > 0) {
      const isNext = kind === this.#kind &&
        length + following === this.#following;
      if (!isNext) throw new RangeError("A chunk is not the next of its frame");
    } else {
      this.#kind = kind;
      this.#length = length + following;
      if (this.#buffered + this.#length > this.#longest) {
        throw new RangeError(
          `A message has more than the ${this.#longest} bytes that it may have`,
        );
      }
    }
    this.#following = following;
  }

  #takePart(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + this.#left);
    if (part.length === this.#length && this.#kind !== Kind.BYTES) {
      this.#left = 0;
      this.#isWhole(part);
      return part.length;
    }
    const frame = this.#room(part.length);
    frame.set(part, this.#filled);
    this.#filled += part.length;
    this.#left -= part.length;
    if (this.#filled === this.#length) {
      this.#frame = undefined;
      this.#filled = 0;
      this.#isWhole(frame);
    }
    return part.length;
  }

  /** The frame, in memory that has room for so many bytes more. */
  #room(count: number): Uint8Array<ArrayBuffer> {
    const filled = this.#filled;
    let frame = this.#frame;
    if (frame === undefined || frame.length < filled + count) {
      // Who says that much is to come may not send it.
      const size = Math.max(FIRST, 2 * filled);
      const larger = new Uint8Array(Math.min(this.#length, size));
      if (frame !== undefined) larger.set(frame);
      this.#frame = frame = larger;
    }
    return frame;
  }

  #isWhole(frame: Uint8Array): void {
    switch (this.#kind) {
      case Kind.TEXT:
        this.#checkBuffers(0);
        return this.#events.text(frame);
      case Kind.CLONE: {
        const buffers = this.#buffers;
        this.#buffers = [];
        this.#buffered = 0;
        return this.#events.clone(frame, buffers);
      }
      case Kind.BYTES:
        // Only those of blobs may be few, and come last.
        this.#checkBuffers(this.#buffers.length * LARGE);
        this.#buffers.push(frame as Uint8Array<ArrayBuffer>);
        this.#buffered += frame.length;
        return;
      default:
        throw new RangeError("A frame is of no kind");
    }
  }

  #checkBuffers(least: number): void {
    const isRight = least > 0 || this.#buffers.length === 0;
    if (isRight && this.#buffered >= least) return;
    throw new RangeError("Bytes belong to no clone");
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 |
    bytes[at + 3]) >>> 0;
}
