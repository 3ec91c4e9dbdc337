// Encodes values as bytes and decodes them: structured clones in V8's own format,
// whose reader is built for untrusted data. Large buffers travel next to the clone, so
// their bytes are copied once. The format does not support blobs, files and DOM
// exceptions: an empty object stands in for each, and a description of it is added.

import { eachItem, SafeMap } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";
import { objectsIn, substitute, substituteIn } from "../values/objects.ts";
import { classNameOf } from "../values/names.ts";
import { JobCloneError } from "../errors.ts";
import { whyCannotCross } from "../values/process_bound.ts";
import { checkLength, LARGE } from "./frames.ts";

let loaded: typeof import("node:v8") | undefined;

/** Returns `node:v8`, which is loaded only when it is needed. */
function v8(): typeof import("node:v8") {
  return loaded ??= nodeProcess().getBuiltinModule("node:v8");
}

const { structuredClone } = globalThis;

/** A value as bytes. */
export interface Encoded {
  clone: Uint8Array;
  /** The value's large buffers, which precede the clone. */
  buffers: Uint8Array[];
  /** All blobs of the value as one, whose bytes follow the buffers. */
  blob: Blob | undefined;
  /** Total number of bytes. */
  length: number;
}

/** Description of a value that V8's format does not support. */
type Made =
  | { kind: "blob"; size: number; type: string }
  | {
    kind: "file";
    size: number;
    type: string;
    name: string;
    lastModified: number;
  }
  | {
    kind: "exception";
    name: string;
    message: string;
    stack: string | undefined;
  };

type StandIns = [standIn: object, made: Made][];

/** The value that V8 encodes. */
type Content = [value: unknown, standIns: StandIns];

/**
 * Encodes a value as bytes.
 *
 * @param moves Buffers to move, which are detached afterwards
 * @throws {JobCloneError} If a part of the value cannot go to another process
 * @throws If a part of the value cannot be cloned
 */
export function encodeClone(
  value: unknown,
  moves: readonly Transferable[] = [],
): Encoded {
  const { objects, large, special } = survey(value);
  const standIns: StandIns = [];
  const content: Content = [value, standIns];
  objects.add(content);
  const there = new SafeMap<object, object>();
  const back = new SafeMap<object, object>();
  const blobs: Blob[] = [];
  for (let i = 0; i < special.length; i++) {
    const standIn = {};
    standIns[i] = [standIn, describe(special[i])];
    there.set(special[i], standIn);
    back.set(standIn, special[i]);
    if (special[i] instanceof Blob) blobs[blobs.length] = special[i] as Blob;
  }
  const all = new Blob(blobs);
  const blob = all.size > 0 ? all : undefined;
  let clone: Uint8Array;
  const put = (others: Map<object, object>) => {
    if (special.length === 0) return;
    eachItem(objects, (object) => substitute(object, others));
  };
  put(there);
  try {
    clone = write(content, large);
  } finally {
    // The value can be sent again.
    put(back);
  }
  const moved = moveAll(moves);
  const buffers: Uint8Array[] = [];
  for (let i = 0; i < large.length; i++) {
    buffers[i] = new Uint8Array(moved.get(large[i]) ?? large[i]);
  }
  let length = clone.length + (blob?.size ?? 0);
  for (let i = 0; i < buffers.length; i++) length += buffers[i].length;
  return { clone, buffers, blob, length };
}

/** Moves the buffers among these values, or none if one buffer cannot move. */
function moveAll(
  moves: readonly Transferable[],
): Map<ArrayBuffer, ArrayBuffer> {
  const buffers: ArrayBuffer[] = [];
  for (let i = 0; i < moves.length; i++) {
    const moving = moves[i];
    if (moving instanceof ArrayBuffer) buffers[buffers.length] = moving;
  }
  const all = new SafeMap<ArrayBuffer, ArrayBuffer>();
  if (buffers.length === 0) return all;
  const moved = structuredClone(buffers, { transfer: buffers });
  for (let i = 0; i < moved.length; i++) all.set(buffers[i], moved[i]);
  return all;
}

function write(content: Content, buffers: readonly ArrayBuffer[]): Uint8Array {
  const serializer = new (v8().Serializer)();
  for (let id = 0; id < buffers.length; id++) {
    serializer.transferArrayBuffer(id, buffers[id]);
  }
  serializer.writeUint32(buffers.length);
  serializer.writeHeader();
  serializer.writeValue(content);
  return serializer.releaseBuffer();
}

/**
 * Decodes a value from bytes.
 *
 * @param buffers Buffers that preceded the clone; they become parts of the value
 * @param densest Maximum length of the clone in bytes, without large buffers
 * @throws If the bytes do not encode a value
 */
export function decodeClone(
  bytes: Uint8Array,
  buffers: readonly Uint8Array<ArrayBuffer>[] = [],
  densest = Infinity,
): unknown {
  checkLength(bytes.length, densest);
  const deserializer = new (v8().Deserializer)(bytes);
  const count = deserializer.readUint32();
  if (buffers.length < count || buffers.length > count + 1) {
    throw new RangeError("The buffers are not those of the clone");
  }
  for (let id = 0; id < count; id++) {
    deserializer.transferArrayBuffer(id, buffers[id].buffer);
  }
  deserializer.readHeader();
  const content = deserializer.readValue() as Content;
  const standIns = content[1];
  if (standIns.length > 0 || buffers.length > count) {
    const made = makeAll(standIns, buffers[count] ?? new Uint8Array());
    substituteIn(content, made);
  }
  return content[0];
}

function survey(value: unknown) {
  const large: ArrayBuffer[] = [];
  const special: (Blob | DOMException)[] = [];
  const objects = objectsIn(value, (object) => {
    if (object instanceof ArrayBuffer) {
      if (object.byteLength >= LARGE && !object.resizable) {
        large[large.length] = object;
      }
    } else if (object instanceof Blob || object instanceof DOMException) {
      special[special.length] = object;
    } else {
      const why = whyCannotCross(object);
      if (why === undefined) return;
      throw new JobCloneError(`a ${classNameOf(object)} ${why}`);
    }
  });
  return { objects, large, special };
}

function describe(value: Blob | DOMException): Made {
  if (value instanceof DOMException) {
    const { name, message } = value;
    const stack = typeof value.stack === "string" ? value.stack : undefined;
    return { kind: "exception", name, message, stack };
  }
  const { size, type } = value;
  if (!(value instanceof File)) return { kind: "blob", size, type };
  const { name, lastModified } = value;
  return { kind: "file", size, type, name, lastModified };
}

/**
 * Makes the values that stand-ins stand for.
 *
 * @param bytes Bytes of all blobs, one after the other
 * @throws {RangeError} If the number of bytes is wrong
 */
function makeAll(
  standIns: StandIns,
  bytes: Uint8Array<ArrayBuffer>,
): Map<object, object> {
  const made = new SafeMap<object, object>();
  let at = 0;
  for (let i = 0; i < standIns.length; i++) {
    const from = standIns[i][1];
    let part = bytes;
    if (from.kind !== "exception") {
      part = bytes.subarray(at, at += from.size);
      if (part.length !== from.size) throw new RangeError("A blob is cut off");
    }
    made.set(standIns[i][0], make(from, part));
  }
  if (at !== bytes.length) throw new RangeError("There are too many bytes");
  return made;
}

function make(from: Made, bytes: Uint8Array<ArrayBuffer>): object {
  if (from.kind === "blob") return new Blob([bytes], { type: from.type });
  if (from.kind === "file") return new File([bytes], from.name, from);
  const { message, name, stack } = from;
  const exception = new DOMException(message, name);
  return Object.defineProperty(exception, "stack", {
    value: stack,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
