// Arrays on their way: what those of primitives weigh, and copies of them.

import { isPrimitive } from "./cloneable.ts";
import {
  arrayPrototype,
  getPrototypeOf,
  hasOwn,
  sliceList,
} from "./intrinsics.ts";

/** The bytes that a value counts as that is no text. */
const BYTES_OF_A_VALUE = 8;

/** About how many bytes a primitive takes. */
export function sizeOfPrimitive(value: unknown): number {
  return typeof value === "string" ? value.length : BYTES_OF_A_VALUE;
}

/** About how many bytes an array takes that holds primitives, and has no holes; else `undefined`. */
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
 * A copy that V8 holds as it holds the array, unless a getter throws. To fill a new one
 * makes it an array with holes, which takes four times as long to clone.
 */
export function sliceOf(array: unknown[]): unknown[] | undefined {
  if (getPrototypeOf(array) !== arrayPrototype) return undefined;
  try {
    return sliceList(array);
  } catch {
    return undefined;
  }
}
