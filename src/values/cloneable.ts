// What `postMessage` would clone whole, lose, or refuse.

import {
  getPrototypeOf,
  keys,
  objectPrototype,
  setOf,
  typeTagOf,
  unbind,
} from "./intrinsics.ts";

const { Date } = globalThis;
const timeOf = unbind(Date.prototype.getTime);

/** The classes whose instances are more than their properties, even where they have some. */
const BUILT_IN = setOf<object>([
  BigInt.prototype,
  Blob.prototype,
  Boolean.prototype,
  CryptoKey.prototype,
  Date.prototype,
  Error.prototype,
  WebAssembly.Memory.prototype,
  MessagePort.prototype,
  WebAssembly.Module.prototype,
  Number.prototype,
  Promise.prototype,
  ReadableStream.prototype,
  RegExp.prototype,
  SharedArrayBuffer.prototype,
  String.prototype,
  Symbol.prototype,
  TransformStream.prototype,
  WeakMap.prototype,
  WeakRef.prototype,
  WeakSet.prototype,
  WritableStream.prototype,
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
  let prototype = getPrototypeOf(value);
  for (; prototype !== null; prototype = getPrototypeOf(prototype)) {
    if (prototype === objectPrototype) return true;
    if (BUILT_IN.has(prototype)) return false;
  }
  // It has no prototype, or is of another realm, whose classes have tags only.
  return typeTagOf(value) === "[object Object]";
}

/** Whether nothing of an object would arrive: what it is sits in no property of its own. */
export function isHidden(value: object): boolean {
  const prototype = getPrototypeOf(value);
  // An object that is no instance of a class may well be empty.
  return prototype !== null && getPrototypeOf(prototype) !== null &&
    keys(value).length === 0;
}
