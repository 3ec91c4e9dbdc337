// Estimates how much of a channel's window an object takes: as much as it contains.

import { WINDOW } from "../flow/window.ts";

/** Size of a value without its contents, such as a number in an array. */
const SLOT = 8;
/**
 * Minimum size of an object, and the size of an object that is not inspected. Otherwise,
 * thousands of small objects are in flight, which makes streams half as fast.
 */
export const LEAST_OBJECT = 4 * 1024;

/**
 * Returns the size of an object that is about to be sent.
 *
 * @param most Maximum size; counting stops there
 * @param sample Number of objects whose average is used for the remaining objects
 */
export function weigh(
  object: object,
  most = WINDOW,
  sample = Infinity,
): number {
  const all = new Set<object>([object]);
  let size = 0;
  let looked = 0;
  let own = 0;
  const add = (value: unknown): void => {
    size += SLOT;
    if (typeof value === "string") size += value.length;
    else if (typeof value === "object" && value !== null) all.add(value);
  };
  // The set grows during the loop, so nested objects are visited too.
  for (const value of all) {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      size += value.byteLength;
    } else if (Array.isArray(value)) {
      for (let i = 0; i < value.length && size < most; i++) add(value[i]);
    } else if (value instanceof Map || value instanceof Set) {
      for (const [key, item] of value.entries()) {
        add(key);
        if (item !== key) add(item);
        if (size >= most) break;
      }
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      for (const key of Object.keys(value)) {
        size += key.length;
        add((value as Record<string, unknown>)[key]);
      }
    } else if (value instanceof Blob) size += value.size;
    else if (value instanceof Error) {
      add(value.message);
      add(value.cause);
    } else size += LEAST_OBJECT;
    if (size >= most) return most;
    if (looked++ === 0) own = size;
    else if (looked > sample) {
      const each = (size - own) / (looked - 1);
      return Math.min(most, own + Math.round(each * (all.size - 1)));
    }
  }
  return Math.max(LEAST_OBJECT, size);
}
