// What `postMessage` can clone, what it can only move, and what it cannot send.

import {
  eachEntry,
  eachItem,
  getPrototypeOf,
  isView,
  keys,
  SafeSet,
  setOf,
  startsWith,
  toText,
  unbind,
  unbindGetter,
} from "./intrinsics.ts";
import { tagOf } from "./tag.ts";

/** As they were before any job could overwrite them. */
const {
  ArrayBuffer,
  DataView,
  Date,
  Map,
  MessagePort,
  ReadableStream,
  Set,
  SharedArrayBuffer,
  structuredClone,
  TransformStream,
  WritableStream,
} = globalThis;
const { Memory } = WebAssembly;
const timeOf = unbind(Date.prototype.getTime);
const isDetached = unbindGetter<boolean>(ArrayBuffer.prototype, "detached");
const isResizable = unbindGetter<boolean>(ArrayBuffer.prototype, "resizable");
const memoryOf = unbindGetter<ArrayBufferLike>(Memory.prototype, "buffer");
const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype);
const bufferOfArray = unbindGetter<ArrayBufferLike>(
  typedArrayPrototype,
  "buffer",
);
const bufferOfDataView = unbindGetter<ArrayBufferLike>(
  DataView.prototype,
  "buffer",
);

const lengthOfArray = unbindGetter<number>(typedArrayPrototype, "byteLength");

/** Values that `postMessage` refuses or silently turns into `{}`, by their tags. */
const NOT_CLONEABLE = setOf([
  "AbortController",
  "AsyncGenerator",
  "Generator",
  "ImageBitmap",
  "Promise",
  "WeakMap",
  "WeakRef",
  "WeakSet",
]);

/** A longer text is no small thing to send. */
const SHORT_TEXT = 1024;

/** Whether all of a list are small primitives, which need no look at all. */
export function areSmallPrimitives(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const isSmall = typeof value === "string"
      ? value.length <= SHORT_TEXT
      : isPrimitive(value);
    if (!isSmall) return false;
  }
  return true;
}

/** Whether a value is a primitive that can be sent. */
export function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "object":
      return value === null;
    case "function":
    case "symbol":
      return false;
    default:
      return true;
  }
}

/** Whether `postMessage` would silently send `{}` for an object, or throw at it. */
export function isNotCloneable(value: object): boolean {
  const tag = tagOf(value);
  return NOT_CLONEABLE.has(tag) || startsWith(tag, "Temporal.") ||
    value instanceof Memory &&
      !(memoryOf(value) instanceof SharedArrayBuffer);
}

/** Whether a value is a date, which nothing keeps from being cloned. */
export function isDate(value: object): boolean {
  if (!(value instanceof Date)) return false;
  try {
    timeOf(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether an object is no more than its own properties, as far as cloning goes. */
export function isOrdinary(value: object): boolean {
  return tagOf(value) === "Object";
}

/** Whether nothing of an object would arrive: what it is sits in no property of its own. */
export function isHidden(value: object): boolean {
  const prototype = getPrototypeOf(value);
  // An object that is no instance of a class may well be empty.
  return prototype !== null && getPrototypeOf(prototype) !== null &&
    keys(value).length === 0;
}

/** Whether a buffer, or that of a view, is gone, or no longer reaches as far as the view. */
export function isOutOfBounds(
  value: ArrayBufferLike | ArrayBufferView,
): boolean {
  if (!isView(value)) {
    return value instanceof ArrayBuffer && isDetached(value);
  }
  const buffer = bufferOf(value);
  if (isOutOfBounds(buffer)) return true;
  if (!(buffer instanceof ArrayBuffer) || !isResizable(buffer)) return false;
  if (!(value instanceof DataView) && lengthOfArray(value) > 0) {
    return false;
  }
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}

/** The buffer of a view. */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  return view instanceof DataView
    ? bufferOfDataView(view)
    : bufferOfArray(view);
}

/** Why a transferable cannot be moved now, if it cannot. */
export function whyUnmovable(value: unknown): string | undefined {
  if (value instanceof ArrayBuffer) {
    return isDetached(value)
      ? "an ArrayBuffer that is already detached"
      : undefined;
  }
  if (!isMoveOnly(value)) return `${nameOf(value)}, which cannot be moved`;
  const { locked, readable, writable } = value as {
    locked?: boolean;
    readable?: ReadableStream;
    writable?: WritableStream;
  };
  return locked || readable?.locked || writable?.locked
    ? `a ${nameOf(value)} that is locked`
    : undefined;
}

/** Every transferable that a value holds, at any depth. */
export function transferablesIn(
  value: unknown,
  found = new SafeSet<Transferable>(),
  seen = new SafeSet<object>(),
): Set<Transferable> {
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return found;
  }
  seen.add(value);
  const search = (part: unknown) => void transferablesIn(part, found, seen);
  if (isView(value)) search(bufferOf(value));
  else if (value instanceof ArrayBuffer || isMoveOnly(value)) found.add(value);
  else if (value instanceof Map) {
    eachEntry(value, (part, key) => {
      search(key);
      search(part);
    });
  } else if (value instanceof Set) eachItem(value, search);
  else {
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
      search((value as Record<string, unknown>)[names[i]]);
    }
  }
  return found;
}

/** Whether a value can be moved, but not cloned. */
export function isMoveOnly(value: unknown): value is Transferable {
  return value instanceof MessagePort || value instanceof ReadableStream ||
    value instanceof WritableStream || value instanceof TransformStream;
}

/** What error messages call a value. */
export function nameOf(value: unknown): string {
  switch (typeof value) {
    case "function":
      return value.name ? `function ${value.name}` : "a function";
    case "symbol":
      return toText(value);
    default:
      return tagOf(value);
  }
}
