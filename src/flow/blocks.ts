// Shared memory for bytes that are too many for the ring. They are written at one
// end of a channel and read at the other: never cloned, and never garbage. What a
// client sends a connection takes 0.53 of the processor time so, and what a job sends
// 0.76 (100 MiB, 5 pairs each).

/** Bytes of a block. */
export const BLOCK = 64 * 1024;
const COUNT = 32;
const LENGTH_BITS = 17;
const LENGTH_MASK = (1 << LENGTH_BITS) - 1;

/** The blocks in which one thread sends bytes to another. */
export class Blocks {
  readonly buffer: SharedArrayBuffer;
  /** Sender: the numbers of the free ones. */
  readonly #free = Array.from({ length: COUNT }, (_, i) => COUNT - 1 - i);

  constructor(buffer = new SharedArrayBuffer(COUNT * BLOCK)) {
    this.buffer = buffer;
  }

  /** Sender: a block to fill, if one is free. */
  take(): Uint8Array | undefined {
    const index = this.#free.pop();
    if (index === undefined) return undefined;
    return new Uint8Array(this.buffer, index * BLOCK, BLOCK);
  }

  /** Sender: a block is free again. */
  free(index: number): void {
    this.#free.push(index);
  }

  /** Sender: tells, in one number, where the first bytes of a block are. */
  place(block: Uint8Array, length: number): number {
    return this.indexOf(block) << LENGTH_BITS | length;
  }

  /** Receiver: the bytes at a place. */
  at(place: number): Uint8Array {
    const offset = (place >>> LENGTH_BITS) * BLOCK;
    return new Uint8Array(this.buffer, offset, place & LENGTH_MASK);
  }

  /** The number of the block that bytes are in. */
  indexOf(bytes: Uint8Array): number {
    return bytes.byteOffset / BLOCK;
  }

  /** Whether bytes are in a block. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.buffer;
  }
}
