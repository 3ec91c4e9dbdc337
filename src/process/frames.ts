// Writes and reads frames, which carry messages. A frame is a length, a kind and bytes.
// A text is one frame. A clone is one frame, after the frames of its large buffers.

import { setBytes } from "../values/intrinsics.ts";

/** Kinds of frames. */
export const Kind = {
  TEXT: 0,
  CLONE: 1,
  /** A large buffer of the next clone, or the bytes of all its blobs. */
  BYTES: 2,
} as const;

/** One of {@linkcode Kind}. */
export type Kind = typeof Kind[keyof typeof Kind];

/** Number of bytes of a frame's length and kind. */
export const FRAME_HEAD = 5;
/** Minimum bytes of a buffer that gets a separate frame, which saves a copy. */
export const LARGE = 32 * 1024;

/** Receives a text, or a clone and its large buffers. */
export type OnMessage = (
  kind: Kind,
  bytes: Uint8Array<ArrayBuffer>,
  buffers: Uint8Array<ArrayBuffer>[],
) => void;

/** Assembles messages from bytes. */
export class FrameReader {
  readonly #onMessage: OnMessage;
  readonly #longest: number;
  readonly #head = new Uint8Array(FRAME_HEAD);
  readonly #length = new DataView(this.#head.buffer);
  /** Number of bytes received of the head, and then of the frame. */
  #filled = 0;
  #frame: Uint8Array<ArrayBuffer> | undefined;
  #buffers: Uint8Array<ArrayBuffer>[] = [];
  #buffered = 0;

  /** @param longest Maximum length of a message in bytes */
  constructor(onMessage: OnMessage, longest = Infinity) {
    this.#onMessage = onMessage;
    this.#longest = longest;
  }

  /**
   * Receives the next bytes.
   *
   * @throws {RangeError} If a message is too long or invalid
   */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const frame = this.#frame;
      if (frame === undefined) {
        this.#head[this.#filled++] = bytes[at++];
        if (this.#filled === FRAME_HEAD) this.#begin();
        continue;
      }
      const missing = frame.length - this.#filled;
      const here = bytes.length - at;
      const count = missing < here ? missing : here;
      const part = count === bytes.length
        ? bytes
        : bytes.subarray(at, at + count);
      setBytes(frame, part, this.#filled);
      at += count;
      this.#filled += count;
      if (this.#filled === frame.length) this.#end(frame);
    }
  }

  #begin(): void {
    const length = this.#length.getUint32(0);
    checkLength(this.#buffered + length, this.#longest);
    this.#frame = new Uint8Array(length);
    this.#filled = 0;
    if (length === 0) this.#end(this.#frame);
  }

  #end(frame: Uint8Array<ArrayBuffer>): void {
    this.#filled = 0;
    this.#frame = undefined;
    const kind = this.#head[4] as Kind;
    const buffers = this.#buffers;
    if (kind === Kind.BYTES) {
      // Only the bytes of blobs, which come last, may be fewer.
      if (this.#buffered < buffers.length * LARGE) {
        throw new RangeError("Bytes belong to no clone");
      }
      buffers[buffers.length] = frame;
      this.#buffered += frame.length;
    } else if (kind === Kind.TEXT) this.#onMessage(kind, frame, []);
    else if (kind === Kind.CLONE) {
      this.#buffers = [];
      this.#buffered = 0;
      this.#onMessage(kind, frame, buffers);
    } else throw new RangeError("A frame is of no kind");
  }
}

/** @throws {RangeError} If a length in bytes exceeds its maximum */
export function checkLength(length: number, most: number): void {
  if (length <= most) return;
  throw new RangeError(`it takes ${length} bytes, and may take ${most}`);
}

/** Writes the head of a frame. */
export function setHead(
  bytes: Uint8Array,
  at: number,
  kind: Kind,
  length: number,
): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
  bytes[at + 4] = kind;
}

/** Returns the head of a frame. */
export function frameHead(kind: Kind, length: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(FRAME_HEAD);
  setHead(head, 0, kind, length);
  return head;
}

const encoder = new TextEncoder();

/** Returns the head and the bytes of a text frame. */
export function textFrame(text: string): Uint8Array<ArrayBuffer>[] {
  const bytes = encoder.encode(text);
  return [frameHead(Kind.TEXT, bytes.length), bytes];
}
