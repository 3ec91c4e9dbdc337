// Marks values as moving, instead of being cloned, at their next send.

import { expected } from "../expected.ts";
import { isArray, sliceList } from "./intrinsics.ts";
import { mark } from "./thread_state.ts";

/**
 * Marks a value as moving, instead of being cloned, at its next send: as an
 * argument of a job, or, in a handler, as its result or a part of it.
 *
 * The mark holds for one send that is accepted; a call that is refused moves
 * nothing. The value may sit at any depth of an argument or a result.
 *
 * A small Node `Buffer` shares its memory with others and cannot move: send it
 * without a mark, which copies its own bytes, or make it with `Buffer.alloc()`.
 *
 * @typeParam T The type of the value
 * @param value The object to mark: a transferable, a view of a buffer, or an object that holds such
 * @param list What moves with it; without it, every transferable in the value
 * @returns The same value
 * @throws {TypeError} If the value is not an object, or the list not an array
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
// Not `object`: then TypeScript would forget literal types where another job of the
// pool takes a text or a number.
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
