// A value as text, whatever it is: to make it one may throw.

import { toText } from "./intrinsics.ts";

/** A value as text. */
export function textOf(value: unknown): string {
  try {
    return toText(value);
  } catch {
    return `a ${typeof value} without a text`;
  }
}
