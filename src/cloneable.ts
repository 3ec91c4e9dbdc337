// What `postMessage` can clone, what it can only move, and what it cannot send.

import { tagOf } from "./tag.ts";

/** Values that `postMessage` refuses or silently turns into `{}`, by their tags. */
const NOT_CLONEABLE = new Set([
  "AbortController",
  "AsyncGenerator",
  "Generator",
  "ImageBitmap",
  "Promise",
  "WeakMap",
  "WeakRef",
  "WeakSet",
]);

/** Whether all of a list are primitives that need no look at all. */
export function arePrimitives(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!isPrimitive(values[i])) return false;
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
  return NOT_CLONEABLE.has(tag) || tag.startsWith("Temporal.") ||
    value instanceof WebAssembly.Memory &&
      !(value.buffer instanceof SharedArrayBuffer);
}

/** Whether an object is no more than its own properties, as far as cloning goes. */
export function isOrdinary(value: object): boolean {
  return tagOf(value) === "Object";
}

/** Whether nothing of an object would arrive: what it is sits in no property of its own. */
export function isHidden(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  // An object that is no instance of a class may well be empty.
  return prototype !== null && Object.getPrototypeOf(prototype) !== null &&
    Object.keys(value).length === 0;
}

/** Whether a buffer, or that of a view, is gone, or no longer reaches as far as the view. */
export function isOutOfBounds(
  value: ArrayBufferLike | ArrayBufferView,
): boolean {
  if (!ArrayBuffer.isView(value)) {
    return value instanceof ArrayBuffer && value.detached;
  }
  if (isOutOfBounds(value.buffer)) return true;
  if (value.byteLength > 0 || !(value.buffer as ArrayBuffer).resizable) {
    return false;
  }
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}

/** Why a transferable cannot be moved now, if it cannot. */
export function whyUnmovable(value: unknown): string | undefined {
  if (value instanceof ArrayBuffer) {
    return value.detached
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
  found = new Set<Transferable>(),
  seen = new Set<object>(),
): Set<Transferable> {
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return found;
  }
  seen.add(value);
  if (ArrayBuffer.isView(value)) transferablesIn(value.buffer, found, seen);
  else if (value instanceof ArrayBuffer || isMoveOnly(value)) found.add(value);
  else if (value instanceof Map) {
    for (const entry of value) transferablesIn(entry, found, seen);
  } else if (value instanceof Set) {
    for (const item of value) transferablesIn(item, found, seen);
  } else {
    for (const key of Object.keys(value)) {
      transferablesIn((value as Record<string, unknown>)[key], found, seen);
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
      return String(value);
    default:
      return tagOf(value);
  }
}
