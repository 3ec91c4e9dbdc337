// Writes and reads the frames that a process sends over its standard error. Jobs write
// there too, so frames travel in chunks. Each chunk is written at once and begins with
// a random mark. Bytes between chunks are text for the program's own standard error.

import { setBytes } from "../values/intrinsics.ts";
import { FRAME_HEAD, type Kind, setHead } from "./frames.ts";

/** Number of bytes of a mark. */
export const MARK = 16;
/** Number of bytes of a chunk's head: the mark, and the length of the rest. */
export const CHUNK_HEAD = MARK + 4;

/** Maximum number of bytes that a pipe accepts in one piece despite other writers. */
export const ATOMIC = 4096;
/** Maximum bytes of a chunk and its head in an unshared pipe, which holds no more. */
export const LONGEST_CHUNK = 64 * 1024;

const NONE = new Uint8Array();

/** Separates the bytes of chunks from all other bytes. */
export class ChunkReader {
  readonly #mark: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #onOther: (bytes: Uint8Array) => void;
  /** Incomplete bytes that can be the head of a chunk. */
  #rest: Uint8Array = NONE;
  /** Number of bytes of a chunk that are still to come. */
  #left = 0;

  /** @param mark First bytes of each chunk */
  constructor(
    mark: Uint8Array,
    onBytes: (bytes: Uint8Array) => void,
    onOther: (bytes: Uint8Array) => void,
  ) {
    this.#mark = mark;
    this.#onBytes = onBytes;
    this.#onOther = onOther;
  }

  /** Receives the next bytes, and passes parts of them to the callbacks. */
  push(bytes: Uint8Array): void {
    if (this.#rest.length > 0) {
      const all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
      bytes = all;
      this.#rest = NONE;
    }
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const part = bytes.subarray(at, at + this.#left);
        this.#left -= part.length;
        at += part.length;
        this.#onBytes(part);
      } else if (!this.#isMark(bytes, at)) {
        const end = this.#nextMark(bytes, at + 1);
        this.#onOther(bytes.subarray(at, end));
        at = end;
      } else if (bytes.length - at < CHUNK_HEAD) {
        this.#rest = bytes.slice(at);
        return;
      } else {
        at += CHUNK_HEAD;
        this.#left = uint32(bytes, at - 4);
      }
    }
  }

  /** Notes that no bytes follow: an incomplete head belongs to no chunk. */
  end(): void {
    if (this.#rest.length > 0) this.#onOther(this.#rest);
    this.#rest = NONE;
  }

  /** Whether the bytes at `at` are a mark, or the start of one at their end. */
  #isMark(bytes: Uint8Array, at: number): boolean {
    const end = Math.min(bytes.length - at, MARK);
    for (let i = 0; i < end; i++) {
      if (bytes[at + i] !== this.#mark[i]) return false;
    }
    return true;
  }

  #nextMark(bytes: Uint8Array, from: number): number {
    for (;; from++) {
      from = bytes.indexOf(this.#mark[0], from);
      if (from < 0) return bytes.length;
      if (this.#isMark(bytes, from)) return from;
    }
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 |
    bytes[at + 3]) >>> 0;
}

/** Writes frames in chunks. */
export class ChunkWriter {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #chunk: Uint8Array;
  readonly #length: DataView;

  /**
   * @param mark First bytes of each chunk
   * @param size Maximum number of bytes of a chunk
   * @param write Writes bytes, and returns how many it has written
   */
  constructor(
    mark: readonly number[],
    size: number,
    write: (bytes: Uint8Array) => number,
  ) {
    this.#write = write;
    this.#chunk = new Uint8Array(size);
    this.#chunk.set(mark);
    this.#length = new DataView(this.#chunk.buffer, MARK);
  }

  write(kind: Kind, frame: Uint8Array): void {
    const chunk = this.#chunk;
    setHead(chunk, CHUNK_HEAD, kind, frame.length);
    let filled = CHUNK_HEAD + FRAME_HEAD;
    let at = 0;
    do {
      const room = chunk.length - filled;
      const end = frame.length - at > room ? at + room : frame.length;
      const part = at === 0 && end === frame.length
        ? frame
        : frame.subarray(at, end);
      setBytes(chunk, part, filled);
      this.#flush(filled + end - at);
      filled = CHUNK_HEAD;
      at = end;
    } while (at < frame.length);
  }

  #flush(filled: number): void {
    this.#length.setUint32(0, filled - CHUNK_HEAD);
    // A pipe accepts all bytes at once; another kind of file might accept fewer.
    for (let at = 0; at < filled;) {
      at += this.#write(this.#chunk.subarray(at, filled));
    }
  }
}
