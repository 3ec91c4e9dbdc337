// What a structured clone can be made of, but V8's format does not know, as data:
// blobs, files and DOM exceptions. In their places stand empty objects meanwhile.

import {
  addItem,
  defineProperty,
  eachEntry,
  eachItem,
  hasOwn,
  isArray,
  isView,
  keys,
  SafeMap,
  SafeSet,
  unbindGetter,
} from "../values/intrinsics.ts";
import { substitute } from "../values/substitute.ts";

/** As they were before any job could overwrite them. */
const { Blob, DOMException, Error, File, Map, Set } = globalThis;
const sizeOf = unbindGetter<number>(Blob.prototype, "size");
const typeOf = unbindGetter<string>(Blob.prototype, "type");
const fileNameOf = unbindGetter<string>(File.prototype, "name");
const lastModifiedOf = unbindGetter<number>(File.prototype, "lastModified");
const messageOf = unbindGetter<string>(DOMException.prototype, "message");
const nameOf = unbindGetter<string>(DOMException.prototype, "name");

/** What a value is made of that has a stand-in. */
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

/** What stands for values, each with what that is made of. */
export type StandIns = [object, Made][];

/** Whether something stands for such a value. */
export function hasStandIn(value: object): value is Blob | DOMException {
  return value instanceof Blob || value instanceof DOMException;
}

/**
 * Calls back while stand-ins are in the places of some values.
 *
 * @param values The values
 * @param containers All that may hold one of them: nobody else's, and extensible
 */
export function withStandIns<T>(
  values: readonly (Blob | DOMException)[],
  containers: Set<object>,
  callback: (standIns: StandIns) => T,
): T {
  const standIns: StandIns = [];
  const there = new SafeMap<object, object>();
  const back = new SafeMap<object, object>();
  for (let i = 0; i < values.length; i++) {
    const standIn = {};
    standIns[i] = [standIn, describe(values[i])];
    there.set(values[i], standIn);
    back.set(standIn, values[i]);
  }
  eachItem(containers, (container) => put(container as object, there));
  try {
    return callback(standIns);
  } finally {
    // It may be sent again.
    eachItem(containers, (container) => put(container as object, back));
  }
}

function describe(value: Blob | DOMException): Made {
  if (value instanceof DOMException) {
    const { stack } = value;
    return {
      kind: "exception",
      name: nameOf(value),
      message: messageOf(value),
      stack: typeof stack === "string" ? stack : undefined,
    };
  }
  const size = sizeOf(value);
  const type = typeOf(value);
  if (!(value instanceof File)) return { kind: "blob", size, type };
  return {
    kind: "file",
    size,
    type,
    name: fileNameOf(value),
    lastModified: lastModifiedOf(value),
  };
}

/**
 * Puts values into the places of their stand-ins.
 *
 * @param bytes Those of all blobs, one after the other
 * @throws If there are not as many
 */
export function resolveStandIns(
  value: unknown,
  standIns: StandIns,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  if (!isArray(standIns)) throw new TypeError("There are no stand-ins");
  const made = new SafeMap<object, object>();
  let at = 0;
  for (let i = 0; i < standIns.length; i++) {
    const standIn = standIns[i][0];
    const from = standIns[i][1];
    let part = bytes;
    if (from.kind !== "exception") {
      part = bytes.subarray(at, at += from.size);
      if (part.length !== from.size) throw new RangeError("A blob is cut off");
    }
    made.set(standIn, make(from, part));
  }
  if (at !== bytes.length) throw new RangeError("There are too many bytes");
  eachItem(containersIn(value), (container) => put(container as object, made));
}

function make(from: Made, bytes: Uint8Array<ArrayBuffer>): object {
  if (from.kind === "blob") return new Blob([bytes], { type: from.type });
  if (from.kind === "file") {
    const { name, type, lastModified } = from;
    return new File([bytes], name, { type, lastModified });
  }
  const { message, name, stack } = from;
  const exception = new DOMException(message, name);
  defineProperty(exception, "stack", {
    value: stack,
    writable: true,
    enumerable: false,
    configurable: true,
  });
  return exception;
}

/** A value, and all objects that it holds, as far as these may hold others. */
function containersIn(value: unknown): Set<object> {
  const all = new SafeSet<object>();
  const add = (part: unknown) => {
    if (typeof part === "object" && part !== null && !isView(part)) {
      addItem(all, part);
    }
  };
  add(value);
  // The set grows meanwhile.
  eachItem(all, (container) => eachPart(container as object, add));
  return all;
}

/** Calls back with all that an object holds. */
export function eachPart(
  container: object,
  callback: (part: unknown) => void,
): void {
  if (container instanceof Map) {
    eachEntry(container, (part, key) => {
      callback(key);
      callback(part);
    });
  } else if (container instanceof Set) eachItem(container, callback);
  else {
    const names = keys(container);
    for (let i = 0; i < names.length; i++) {
      callback((container as Record<string, unknown>)[names[i]]);
    }
    // Which is not enumerable.
    if (isError(container)) callback(container.cause);
  }
}

function put(container: object, others: Map<object, object>): void {
  if (!isError(container)) return substitute(container, others);
  const other = others.get(container.cause as object);
  if (other !== undefined) container.cause = other;
}

function isError(value: object): value is Error & { cause: unknown } {
  return value instanceof Error && !isArray(value) && hasOwn(value, "cause");
}
