// What kind of object a value says it is.

import { sliceText, tagTextOf } from "./intrinsics.ts";

/** The tag of a value, such as `"Map"`. */
export function tagOf(value: unknown): string {
  return sliceText(tagTextOf(value), 8, -1);
}
