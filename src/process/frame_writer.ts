// Makes, on main, the frames for a process.

import { FRAME_HEAD, Kind } from "./frames.ts";

const encoder = new TextEncoder();
/** UTF-8 takes at most so many bytes for each unit of a text. */
const MOST_BYTES = 3;
/** Where short texts are encoded: they need less memory than could be known before. */
const scratch = new Uint8Array(4 * 1024);

/** The head of a frame. */
export function frameHead(kind: Kind, length: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(FRAME_HEAD);
  setHead(head, kind, length);
  return head;
}

/** A frame that is a text. */
export function textFrame(text: string): Uint8Array<ArrayBuffer>[] {
  if (FRAME_HEAD + MOST_BYTES * text.length > scratch.length) {
    const bytes = encoder.encode(text);
    return [frameHead(Kind.TEXT, bytes.length), bytes];
  }
  const { written } = encoder.encodeInto(text, scratch.subarray(FRAME_HEAD));
  setHead(scratch, Kind.TEXT, written);
  return [scratch.slice(0, FRAME_HEAD + written)];
}

function setHead(head: Uint8Array, kind: Kind, length: number): void {
  head[0] = length >>> 24;
  head[1] = length >>> 16;
  head[2] = length >>> 8;
  head[3] = length;
  head[4] = kind;
}
