// Reads, in a process, the frames that main writes.

import { setBytes } from "../values/intrinsics.ts";
import { FRAME_HEAD, type Kind } from "./frames.ts";

/** Takes bytes as they come, and gives whole frames. */
export class FrameReader {
  readonly #onFrame: (kind: Kind, bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #head = new Uint8Array(FRAME_HEAD);
  readonly #length = new DataView(this.#head.buffer);
  /** How much of the head is here; then how much of the frame. */
  #filled = 0;
  #frame: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    onFrame: (kind: Kind, bytes: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#onFrame = onFrame;
  }

  /** What of a frame is still to come, if it is known: may be read into. */
  get wanted(): Uint8Array | undefined {
    return this.#frame?.subarray(this.#filled);
  }

  /** So many bytes have been read into what was wanted. */
  took(count: number): void {
    this.#filled += count;
    if (this.#filled === this.#frame!.length) this.#isFull();
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const target: Uint8Array = this.#frame ?? this.#head;
      const wanted = target.length - this.#filled;
      const here = bytes.length - at;
      const count = wanted < here ? wanted : here;
      setBytes(target, bytes.subarray(at, at + count), this.#filled);
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
