// Values as bytes and back: structured clones, by V8's own format, whose reader
// is made for data that nobody vouches for. Large buffers go beside it, so that
// their bytes are copied once.

import { bufferOf } from "../values/bytes.ts";
import type { FlowEvents } from "../flow/events.ts";
import { JobCloneError } from "../errors.ts";
import { isView, SafeSet, unbind, unbindGetter } from "../values/intrinsics.ts";
import { classNameOf } from "../values/names.ts";
import { checkClone } from "./density.ts";
import { whyCannotCross } from "./crossing.ts";
import { LARGE } from "./frames.ts";
import {
  eachPart,
  hasStandIn,
  resolveStandIns,
  type StandIns,
  withStandIns,
} from "./stand_ins.ts";

type V8 = typeof import("node:v8");

let v8: V8;

/** Takes the module, which each end loads in its own way. */
export function useV8(module: V8): void {
  v8 = module;
}

/** As they were before any job could overwrite them. */
const { ArrayBuffer, Blob, Uint8Array } = globalThis;
const NONE = new Uint8Array();
const move = unbind(
  ArrayBuffer.prototype.transfer as (this: ArrayBuffer) => ArrayBuffer,
);
const isDetached = unbindGetter<boolean>(ArrayBuffer.prototype, "detached");
const sizeOf = unbindGetter<number>(Blob.prototype, "size");
const bytesOf = unbind(
  Blob.prototype.arrayBuffer as (this: Blob) => Promise<ArrayBuffer>,
);
const includes = unbind(
  Array.prototype.includes as (
    this: readonly unknown[],
    item: unknown,
  ) => boolean,
);

/** A value as bytes. */
export interface Encoded {
  clone: Uint8Array;
  /** What goes before it: the value's own large buffers, and the bytes of its blobs. */
  buffers: Uint8Array[];
  /** These come last of all buffers, and have not been read. */
  blobs: Blob[];
  /** How many bytes all of that has. */
  length: number;
}

/**
 * A value as bytes.
 *
 * @param moves What moves with it, and is nobody's here afterwards
 * @throws {JobCloneError} If something in it cannot go to another process
 * @throws If something in it cannot be cloned
 */
export function encodeClone(
  value: unknown,
  moves: readonly Transferable[] = [],
): Encoded {
  const found: Found = { buffers: [], special: [], seen: new SafeSet() };
  survey(value, found);
  const clone = found.special.length === 0
    ? write(value, undefined, found.buffers)
    : withStandIns(
      found.special,
      found.seen,
      (standIns) => write(value, standIns, found.buffers),
    );
  const buffers: Uint8Array[] = [];
  let { length } = clone;
  for (let id = 0; id < found.buffers.length; id++) {
    const buffer = found.buffers[id];
    const isMoving = moves.length > 0 && includes(moves, buffer);
    buffers[id] = new Uint8Array(isMoving ? move(buffer) : buffer);
    length += buffers[id].length;
  }
  for (let i = 0; i < moves.length; i++) {
    const moved = moves[i];
    // Small ones have been copied.
    if (moved instanceof ArrayBuffer && !isDetached(moved)) move(moved);
  }
  const blobs: Blob[] = [];
  for (let i = 0; i < found.special.length; i++) {
    const value = found.special[i];
    if (!(value instanceof Blob)) continue;
    const size = sizeOf(value);
    if (size === 0) continue;
    blobs[blobs.length] = value;
    length += size;
  }
  return { clone, buffers, blobs, length };
}

function write(
  value: unknown,
  standIns: StandIns | undefined,
  buffers: readonly ArrayBuffer[],
): Uint8Array {
  const serializer = new v8.Serializer();
  for (let id = 0; id < buffers.length; id++) {
    serializer.transferArrayBuffer(id, buffers[id]);
  }
  serializer.writeUint32(buffers.length);
  serializer.writeUint32(standIns === undefined ? 0 : 1);
  serializer.writeHeader();
  serializer.writeValue(standIns === undefined ? value : { value, standIns });
  return serializer.releaseBuffer();
}

/** The bytes of blobs, one after the other. */
export async function readBlobs(blobs: Blob[]): Promise<Uint8Array> {
  const blob = blobs.length === 1 ? blobs[0] : new Blob(blobs);
  return new Uint8Array(await bytesOf(blob));
}

/**
 * The value of such bytes.
 *
 * @param buffers What came before them; those become parts of the value
 * @param densest The clone may not be longer, large buffers aside
 * @throws If they are not of a value
 */
export function decodeClone(
  bytes: Uint8Array,
  buffers: readonly Uint8Array<ArrayBuffer>[] = [],
  densest: number = Infinity,
): unknown {
  checkClone(bytes.length, densest);
  const deserializer = new v8.Deserializer(bytes);
  const count = deserializer.readUint32();
  const hasStandIns = deserializer.readUint32() === 1;
  let blobs = NONE;
  if (buffers.length > count) {
    blobs = buffers[count];
    if (!hasStandIns || buffers.length > count + 1) {
      throw new RangeError("There are too many buffers");
    }
  } else if (buffers.length < count) {
    throw new RangeError("A buffer is missing");
  }
  for (let id = 0; id < count; id++) {
    deserializer.transferArrayBuffer(id, buffers[id].buffer);
  }
  deserializer.readHeader();
  const value = deserializer.readValue();
  if (!hasStandIns) return value;
  const message = value as { value: unknown; standIns: StandIns };
  resolveStandIns(message, message.standIns, blobs);
  return message.value;
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

/** What a value holds that needs more than a clone. */
interface Found {
  /** Large ones. */
  buffers: ArrayBuffer[];
  /** What V8's format does not know. */
  special: (Blob | DOMException)[];
  /** All objects. */
  seen: SafeSet<object>;
}

/** Looks through a value, and refuses what would not arrive as what it is. */
function survey(value: unknown, found: Found): void {
  const { buffers, special, seen } = found;
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (isView(value)) return survey(bufferOf(value), found);
  if (value instanceof ArrayBuffer) {
    if (value.byteLength >= LARGE && !value.resizable) {
      buffers[buffers.length] = value;
    }
  } else if (hasStandIn(value)) special[special.length] = value;
  else {
    const why = whyCannotCross(value);
    if (why !== undefined) {
      throw new JobCloneError(`a ${classNameOf(value)} ${why}`);
    }
    eachPart(value, (part) => survey(part, found));
  }
}
