// Writes, in a process, the frames of its messages to main, in chunks.

import { CHUNK_HEAD, GOES_ON, type Kind, MARK } from "./frames.ts";

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
   * @param longest No frame may be longer, in bytes
   */
  constructor(mark: readonly number[], size: number, longest: number) {
    this.#longest = longest;
    this.#chunk = new Uint8Array(size);
    this.#chunk.set(mark);
    this.#head = new DataView(this.#chunk.buffer);
  }

  /**
   * Writes a frame.
   *
   * @throws {RangeError} If it is too long; nothing has been written then
   */
  write(kind: Kind, parts: readonly Uint8Array[]): void {
    let left = 0;
    for (let i = 0; i < parts.length; i++) left += parts[i].length;
    if (left > this.#longest) {
      throw new RangeError(
        `it takes ${left} bytes, and may take ${this.#longest}`,
      );
    }
    const chunk = this.#chunk;
    let filled = CHUNK_HEAD;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      for (let at = 0; at < part.length;) {
        const count = Math.min(chunk.length - filled, part.length - at);
        chunk.set(part.subarray(at, at + count), filled);
        at += count;
        filled += count;
        left -= count;
        if (filled < chunk.length && left > 0) continue;
        this.#flush(left > 0 ? kind | GOES_ON : kind, filled);
        filled = CHUNK_HEAD;
      }
    }
  }

  #flush(kind: number, filled: number): void {
    this.#head.setUint32(MARK, filled - CHUNK_HEAD);
    this.#head.setUint8(MARK + 4, kind);
    let at = write(this.#chunk.subarray(0, filled));
    // A pipe takes all of it; anything else may take less.
    while (at < filled) at += write(this.#chunk.subarray(at, filled));
  }
}
