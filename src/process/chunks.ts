// How the frames of a process reach main on its standard error, to which whatever
// runs in the process writes too: in chunks, each written at once, that begin with
// a mark which only the two ends know. What stands between chunks is text for the
// program's own standard error.

import { setBytes } from "../values/intrinsics.ts";
import { FRAME_HEAD, type Kind, setHead } from "./frames.ts";

/** Bytes of a mark. */
export const MARK = 16;
/** Bytes before those of a chunk: the mark, and how many follow. */
export const CHUNK_HEAD = MARK + 4;

/** The most bytes that a pipe takes in one piece, whatever else is written to it. */
export const ATOMIC = 4096;
/** What a chunk may have, its head included, where nobody else does: a pipe holds no more. */
export const LONGEST_CHUNK = 64 * 1024;

const NONE = new Uint8Array();

/** Takes bytes as they come, and tells those of chunks from others. */
export class ChunkReader {
  readonly #mark: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #onOther: (bytes: Uint8Array) => void;
  /** The beginning of what may be the head of a chunk. */
  #rest: Uint8Array = NONE;
  /** How much of a chunk is still to come. */
  #left = 0;

  /** @param mark What chunks begin with */
  constructor(
    mark: Uint8Array,
    onBytes: (bytes: Uint8Array) => void,
    onOther: (bytes: Uint8Array) => void,
  ) {
    this.#mark = mark;
    this.#onBytes = onBytes;
    this.#onOther = onOther;
  }

  /** Takes the next bytes; the callbacks get parts of them. */
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

  /** Nothing follows. */
  end(): void {
    if (this.#rest.length > 0) this.#onOther(this.#rest);
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
   * @param mark What chunks begin with
   * @param size How many bytes are written at once
   * @param write Writes bytes, and gives how many it has written
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
    // A pipe takes all of it; anything else may take less.
    for (let at = 0; at < filled;) {
      at += this.#write(this.#chunk.subarray(at, filled));
    }
  }
}
