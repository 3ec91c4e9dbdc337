// Marks values that move at their next send instead of being cloned.

import { expected } from "../expected.ts";
import { isArray, sliceList } from "./intrinsics.ts";
import { mark } from "./thread_state.ts";

/**
 * Marks a value, so that it moves at its next send instead of being cloned: in an
 * argument of a job or, in a handler, in the result.
 *
 * The mark is valid for one accepted send; a refused call moves nothing. The value
 * can be at any depth of an argument or a result.
 *
 * A small Node `Buffer` shares its memory with other buffers and cannot move. Send it
 * without a mark, which copies its own bytes, or create it with `Buffer.alloc()`.
 *
 * @typeParam T The type of the value
 * @param value The object to mark: a transferable, a view of a buffer, or an object that contains these
 * @param list The objects that move; by default, every transferable in the value
 * @returns The same value
 * @throws {TypeError} If the value is not an object, or the list is not an array
 *
 * @example Move a buffer there and back
 * ```ts
 * import { ThreadPool, transfer } from "@spindle/thread-pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(1);
 * const pixels = new Uint8Array([1, 2, 3]);
 * const inverted = await pool.execute((pixels: Uint8Array) => {
 *   return transfer(pixels.map((value) => 255 - value));
 * }, [transfer(pixels)]);
 * assertEquals([...inverted], [254, 253, 252]);
 * assertEquals(pixels.length, 0); // it has moved
 * ```
 */
// With `object`, TypeScript would lose literal types if another job of the pool takes a
// string or a number.
export function transfer<T extends NonNullable<unknown>>(
  value: T,
  list?: readonly Transferable[],
): T {
  if (typeof value !== "object" || value === null) {
    throw expected("value", "an object", value);
  }
  if (list !== undefined && !isArray(list)) {
    throw expected("list", "an array", list);
  }
  mark(value, list === undefined ? "everything" : sliceList(list));
  return value;
}
