// How a message becomes bytes: a frame is a length, a kind, and its bytes. A
// text is one frame; a clone is one too, and its large buffers go before it.

import { setBytes } from "../values/intrinsics.ts";

/** What the bytes of a frame are. */
export const Kind = {
  TEXT: 0,
  CLONE: 1,
  /** A buffer of the next clone, or the bytes of all its blobs. */
  BYTES: 2,
} as const;

/** One of {@linkcode Kind}. */
export type Kind = typeof Kind[keyof typeof Kind];

/** Bytes of a frame's length and kind. */
export const FRAME_HEAD = 5;
/** Bytes from which on a buffer is a frame of its own, so that it is copied once. */
export const LARGE = 32 * 1024;

/** Takes a text, or a clone and the buffers that belong to it. */
export type OnMessage = (
  kind: Kind,
  bytes: Uint8Array<ArrayBuffer>,
  buffers: Uint8Array<ArrayBuffer>[],
) => void;

/** Takes bytes as they come, and gives whole messages. */
export class FrameReader {
  readonly #onMessage: OnMessage;
  readonly #longest: number;
  readonly #head = new Uint8Array(FRAME_HEAD);
  readonly #length = new DataView(this.#head.buffer);
  /** How much of the head is here; then how much of the frame. */
  #filled = 0;
  #frame: Uint8Array<ArrayBuffer> | undefined;
  #buffers: Uint8Array<ArrayBuffer>[] = [];
  #buffered = 0;

  /** @param longest No message may be longer, in bytes */
  constructor(onMessage: OnMessage, longest = Infinity) {
    this.#onMessage = onMessage;
    this.#longest = longest;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {RangeError} If a message is too long, or no message
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
      // Only the bytes of blobs may be few, and they come last.
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

/** @throws {RangeError} If something takes more bytes than it may */
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

/** The head of a frame. */
export function frameHead(kind: Kind, length: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(FRAME_HEAD);
  setHead(head, 0, kind, length);
  return head;
}

const encoder = new TextEncoder();

/** A frame that is a text. */
export function textFrame(text: string): Uint8Array<ArrayBuffer>[] {
  const bytes = encoder.encode(text);
  return [frameHead(Kind.TEXT, bytes.length), bytes];
}
