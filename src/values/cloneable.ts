// Tells which values `postMessage` would clone completely, lose or refuse.

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

/** Prototypes of classes whose instances are more than their own properties. */
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

/** Maximum length of a string that counts as small. */
const SHORT_TEXT = 1024;

/** Returns whether all values are small primitives, which need no checks. */
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

/** Returns whether a value is a primitive that can be sent. */
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

/** Returns whether a value is a real `Date`, which can always be cloned. */
export function isDate(value: object): boolean {
  if (!(value instanceof Date)) return false;
  try {
    timeOf(value);
    return true;
  } catch {
    return false;
  }
}

/** Returns whether cloning an object means cloning only its own properties. */
export function isOrdinary(value: object): boolean {
  let prototype = getPrototypeOf(value);
  for (; prototype !== null; prototype = getPrototypeOf(prototype)) {
    if (prototype === objectPrototype) return true;
    if (BUILT_IN.has(prototype)) return false;
  }
  // The object has no prototype, or is of another realm: only the tag identifies it.
  return typeTagOf(value) === "[object Object]";
}

/** Returns whether a clone could be empty: a class instance without own properties. */
export function isHidden(value: object): boolean {
  const prototype = getPrototypeOf(value);
  // An empty object that is not a class instance is fine.
  return prototype !== null && getPrototypeOf(prototype) !== null &&
    keys(value).length === 0;
}
