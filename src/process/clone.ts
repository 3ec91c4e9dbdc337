// Values as bytes and back: structured clones, by V8's own format, whose reader
// is made for data that nobody vouches for. Large buffers follow behind, so that
// their bytes are copied once.

import { bufferOf } from "../cloneable.ts";
import type { FlowEvents } from "../flow/link.ts";
import { JobCloneError } from "../errors.ts";
import {
  eachEntry,
  eachItem,
  isView,
  keys,
  SafeSet,
  unbind,
  unbindGetter,
} from "../intrinsics.ts";
import { tagOf } from "../tag.ts";
import { checkClone } from "./density.ts";
import { whyCannotCross } from "./crossing.ts";

type V8 = typeof import("node:v8");

/** Buffers of so many bytes, or more, follow behind the clone. */
const LARGE = 32 * 1024;
const WORD = 4;

let v8: V8;

/** Takes the module, which each end loads in its own way. */
export function useV8(module: V8): void {
  v8 = module;
}

/** As they were before any job could overwrite them. */
const { ArrayBuffer, DataView, Map, Set, Uint8Array } = globalThis;
const move = unbind(
  ArrayBuffer.prototype.transfer as (this: ArrayBuffer) => ArrayBuffer,
);
const isDetached = unbindGetter<boolean>(ArrayBuffer.prototype, "detached");
const includes = unbind(
  Array.prototype.includes as (
    this: readonly unknown[],
    item: unknown,
  ) => boolean,
);

/**
 * The bytes of a value, in parts: the last ones are the value's own buffers.
 *
 * @param moves What moves with it, and is nobody's here afterwards
 * @throws {JobCloneError} If something in it cannot go to another process
 * @throws If something in it cannot be cloned
 */
export function encodeClone(
  value: unknown,
  moves: readonly Transferable[] = [],
): Uint8Array[] {
  const serializer = new v8.Serializer();
  const buffers: ArrayBuffer[] = [];
  survey(value, buffers, new SafeSet());
  for (let id = 0; id < buffers.length; id++) {
    serializer.transferArrayBuffer(id, buffers[id]);
  }
  serializer.writeHeader();
  serializer.writeValue(value);
  const clone = serializer.releaseBuffer();
  const head = new Uint8Array((2 + buffers.length) * WORD);
  const words = new DataView(head.buffer);
  words.setUint32(0, buffers.length);
  words.setUint32(WORD, clone.length);
  const parts: Uint8Array[] = [head, clone];
  for (let id = 0; id < buffers.length; id++) {
    const buffer = buffers[id];
    words.setUint32((2 + id) * WORD, buffer.byteLength);
    const isMoving = moves.length > 0 && includes(moves, buffer);
    parts[parts.length] = new Uint8Array(isMoving ? move(buffer) : buffer);
  }
  for (let i = 0; i < moves.length; i++) {
    const moved = moves[i];
    // Small ones have been copied.
    if (moved instanceof ArrayBuffer && !isDetached(moved)) move(moved);
  }
  return parts;
}

/**
 * The value of such bytes.
 *
 * @param densest The clone may not be longer, large buffers aside
 * @throws If they are not of a value
 */
export function decodeClone(
  bytes: Uint8Array,
  densest: number = Infinity,
): unknown {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = words.getUint32(0);
  let at = (2 + count) * WORD;
  checkClone(at + words.getUint32(WORD), densest);
  const end = at + words.getUint32(WORD);
  const deserializer = new v8.Deserializer(bytes.subarray(at, end));
  at = end;
  for (let id = 0; id < count; id++) {
    const length = words.getUint32((2 + id) * WORD);
    if (at + length > bytes.length) throw new RangeError("A buffer is cut off");
    const { buffer } = bytes.slice(at, at += length);
    deserializer.transferArrayBuffer(id, buffer as ArrayBuffer);
  }
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Copies the chunks of channels that are in shared memory: their bytes can go. */
export function unshareChunks(events: FlowEvents): void {
  for (let i = 2; i < events.length; i += 3) {
    const chunk = events[i];
    if (!isView(chunk) || bufferOf(chunk) instanceof ArrayBuffer) continue;
    const { buffer, byteOffset, byteLength } = chunk;
    const bytes = new Uint8Array(byteLength);
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
    const View = chunk.constructor as new (buffer: ArrayBuffer) => unknown;
    events[i] = new View(bytes.buffer);
  }
}

/** Finds the large buffers in a value, and refuses what would not arrive as what it is. */
function survey(
  value: unknown,
  buffers: ArrayBuffer[],
  seen: SafeSet<object>,
): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const search = (part: unknown) => survey(part, buffers, seen);
  if (isView(value)) return search(bufferOf(value));
  if (value instanceof ArrayBuffer) {
    if (value.byteLength >= LARGE && !value.resizable) {
      buffers[buffers.length] = value;
    }
  } else if (value instanceof Map) {
    eachEntry(value, (part, key) => {
      search(key);
      search(part);
    });
  } else if (value instanceof Set) eachItem(value, search);
  else {
    const why = whyCannotCross(value);
    if (why !== undefined) throw new JobCloneError(`a ${tagOf(value)} ${why}`);
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
      search((value as Record<string, unknown>)[names[i]]);
    }
  }
}
