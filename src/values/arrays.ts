// Sizes of primitives and of arrays of primitives, and copies of arrays.

import { isPrimitive } from "./cloneable.ts";
import {
  arrayPrototype,
  getPrototypeOf,
  hasOwn,
  sliceList,
} from "./intrinsics.ts";

/** Assumed size in bytes of a primitive that is not a string. */
const BYTES_OF_A_VALUE = 8;

/** Returns the approximate size of a primitive in bytes. */
export function sizeOfPrimitive(value: unknown): number {
  return typeof value === "string" ? value.length : BYTES_OF_A_VALUE;
}

/** Returns the approximate size in bytes of an array of primitives without holes; else `undefined`. */
export function sizeOfPrimitives(
  array: readonly unknown[],
): number | undefined {
  let size = 0;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (!isPrimitive(item)) return undefined;
    if (item === undefined && !hasOwn(array, i)) return undefined;
    size += sizeOfPrimitive(item);
  }
  return size;
}

/**
 * Returns a copy that V8 stores in the same way; `undefined` for subclasses and throwing
 * getters. V8 stores a new array that is filled as an array with holes, which takes four
 * times as long to clone.
 */
export function sliceOf(array: unknown[]): unknown[] | undefined {
  if (getPrototypeOf(array) !== arrayPrototype) return undefined;
  try {
    return sliceList(array);
  } catch {
    return undefined;
  }
}
