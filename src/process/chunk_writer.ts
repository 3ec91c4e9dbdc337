// Writes, in a process, the frames of its messages to main, in chunks.

import { setBytes } from "../values/intrinsics.ts";
import {
  CHUNK_HEAD,
  CHUNK_KIND,
  CHUNK_LENGTH,
  CHUNK_REST,
  type Kind,
} from "./frames.ts";

/** As they were before any job could overwrite them. */
const { stderr } = Deno;
const write = stderr.writeSync.bind(stderr);

/** Writes frames to the standard error of this process. */
export class ChunkWriter {
  readonly #longest: number;
  readonly #chunk: Uint8Array;
  readonly #head: DataView;

  /**
   * @param mark What chunks begin with
   * @param size How many bytes are written at once
   * @param longest No message may be longer, in bytes
   */
  constructor(mark: readonly number[], size: number, longest: number) {
    this.#longest = longest;
    this.#chunk = new Uint8Array(size);
    this.#chunk.set(mark);
    this.#head = new DataView(this.#chunk.buffer);
  }

  /** @throws {RangeError} If a message of so many bytes is too long */
  check(length: number): void {
    if (length <= this.#longest) return;
    throw new RangeError(
      `it takes ${length} bytes, and may take ${this.#longest}`,
    );
  }

  /** Writes a frame of a message whose length is checked. */
  write(kind: Kind, frame: Uint8Array): void {
    const chunk = this.#chunk;
    const most = chunk.length - CHUNK_HEAD;
    const { length } = frame;
    for (let at = 0; at < length;) {
      const end = length - at > most ? at + most : length;
      const isWhole = at === 0 && end === length;
      setBytes(chunk, isWhole ? frame : frame.subarray(at, end), CHUNK_HEAD);
      this.#flush(kind, end - at, length - end);
      at = end;
    }
  }

  #flush(kind: Kind, length: number, rest: number): void {
    this.#head.setUint32(CHUNK_LENGTH, length);
    this.#head.setUint8(CHUNK_KIND, kind);
    this.#head.setUint32(CHUNK_REST, rest);
    const filled = CHUNK_HEAD + length;
    let at = write(this.#chunk.subarray(0, filled));
    // A pipe takes all of it; anything else may take less.
    while (at < filled) at += write(this.#chunk.subarray(at, filled));
  }
}
