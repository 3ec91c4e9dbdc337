// Reads, in a process, the frames that main writes.

import { FRAME_HEAD, type Kind } from "./frames.ts";

/** Takes bytes as they come, and gives whole frames. */
export class FrameReader {
  readonly #onFrame: (kind: Kind, bytes: Uint8Array) => void;
  readonly #head = new Uint8Array(FRAME_HEAD);
  readonly #length = new DataView(this.#head.buffer);
  /** How much of the head is here; then how much of the frame. */
  #filled = 0;
  #frame: Uint8Array | undefined;

  constructor(onFrame: (kind: Kind, bytes: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const target: Uint8Array = this.#frame ?? this.#head;
      const count = Math.min(target.length - this.#filled, bytes.length - at);
      target.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === target.length) this.#isFull();
    }
  }

  #isFull(): void {
    this.#filled = 0;
    const frame = this.#frame;
    if (frame === undefined) {
      this.#frame = new Uint8Array(this.#length.getUint32(0));
      if (this.#frame.length > 0) return;
    }
    const whole = this.#frame!;
    this.#frame = undefined;
    this.#onFrame(this.#head[4] as Kind, whole);
  }
}
