// Sends the chunks of a stream. A chunk is copied, unless it belongs to the stream or
// is marked with `transfer()`; then it moves.

import { isUnshared, SMALL } from "../flow/bytes.ts";
import type { Outlet } from "../flow/outlet.ts";
import { AHEAD } from "../flow/window.ts";
import { isPrimitive } from "../values/cloneable.ts";
import { pack } from "../values/pack.ts";
import { classNameOf } from "../values/names.ts";
import { markOf } from "../values/thread_state.ts";
import { kindOf } from "./kind_of.ts";
import { ownAll, ownBytes } from "./snapshot.ts";
import { weigh } from "./weigh.ts";

/**
 * Sends a chunk.
 *
 * @param isOwn Whether only the stream uses the chunk's buffer, as in a byte stream
 * @throws {JobCloneError} If the chunk cannot be cloned
 */
export function sendChunk(
  outlet: Outlet,
  chunk: unknown,
  isOwn: boolean,
): void | Promise<void> {
  if (isPrimitive(chunk)) return outlet.send(chunk);
  if (isUnshared(chunk)) return sendBytes(outlet, chunk, isOwn);
  if (isBuffer(chunk) && isPlain(chunk)) return sendBuffer(outlet, chunk);
  return sendObject(outlet, chunk);
}

function sendBytes(
  outlet: Outlet,
  bytes: Uint8Array<ArrayBuffer>,
  isOwn: boolean,
): void | Promise<void> {
  checkBuffer(bytes.buffer);
  if (bytes.length < SMALL && isPlain(bytes)) {
    return outlet.sendBytes(bytes, isOwn);
  }
  // The producer can reuse a chunk, or read it in another branch of a `tee()`. Copying
  // takes 1.25 times the processor time if nothing is done with 64 KiB (5 pairs).
  const own = isOwn ? moveBytes(bytes) : ownBytes(bytes);
  if (own === undefined) return sendObject(outlet, bytes);
  // Chunks sent before the job starts may have to be sent twice, so large ones wait.
  if (outlet.isOpen || own.buffer.byteLength <= AHEAD) {
    return outlet.sendBytes(own, true);
  }
  return outlet.until("isOpen").then(() => outlet.sendBytes(own, true));
}

/** Returns whether it is enough to copy the bytes of a chunk. */
function isPlain(chunk: Buffered): boolean {
  return markOf(chunk) === undefined && !memoryOf(chunk).resizable;
}

function moveBytes(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { byteOffset, length } = bytes;
  return new Uint8Array(bytes.buffer.transfer(), byteOffset, length);
}

/** A buffer that is not shared, or a view of one. */
type Buffered = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

function isBuffer(chunk: unknown): chunk is Buffered {
  return chunk instanceof ArrayBuffer ||
    ArrayBuffer.isView(chunk) && chunk.buffer instanceof ArrayBuffer;
}

function memoryOf(chunk: Buffered): ArrayBuffer {
  return ArrayBuffer.isView(chunk) ? chunk.buffer : chunk;
}

/** Sends only the part of a buffer that the chunk shows. A clone would send all of it. */
async function sendBuffer(outlet: Outlet, chunk: Buffered): Promise<void> {
  const isView = ArrayBuffer.isView(chunk);
  const buffer = memoryOf(chunk);
  checkBuffer(buffer);
  const offset = isView ? chunk.byteOffset : 0;
  const bytes = new Uint8Array(buffer, offset, chunk.byteLength);
  const moves = bytes.length >= SMALL;
  const copy = bytes.slice().buffer;
  const sent = isView ? viewOf(classNameOf(chunk), copy) : copy;
  if (moves) await outlet.until("isOpen");
  outlet.send(sent, moves ? [copy] : undefined);
}

/** Returns a view of the whole buffer, of the class with this name. */
function viewOf(tag: string, buffer: ArrayBuffer): ArrayBufferView {
  const views = globalThis as unknown as Record<
    string,
    new (buffer: ArrayBuffer) => ArrayBufferView
  >;
  return new views[tag](buffer);
}

async function sendObject(outlet: Outlet, chunk: unknown): Promise<void> {
  const { value, moves } = ownAll(pack(chunk, "chunk", { whyStays }));
  const size = weigh(value as object);
  if (moves.length > 0) await outlet.until("isOpen");
  outlet.send(value, moves, size);
}

function whyStays(value: object): string | undefined {
  return kindOf(value) && "cannot go through a stream";
}

function checkBuffer(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw new TypeError("A chunk of a moved stream has lost its buffer");
  }
}
