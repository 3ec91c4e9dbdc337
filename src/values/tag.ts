// What kind of object a value is, whatever it says of itself.

import {
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isView,
  sliceText,
  tagTextOf,
  toStringTag,
  typedArrayTagOf,
} from "./intrinsics.ts";

/**
 * The tag of a value, such as `"Map"`. Only a tag that is plain data of a
 * prototype counts, as those of the built-in classes are: to read any other one
 * would run code of the value's class.
 */
export function tagOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeTagOf(value);
  if (isView(value)) return typedArrayTagOf(value) ?? "DataView";
  for (
    let prototype = getPrototypeOf(value);
    prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    const tag = getOwnPropertyDescriptor(prototype, toStringTag)?.value;
    if (typeof tag === "string") return tag;
  }
  return toStringTag in value ? "Object" : typeTagOf(value);
}

function typeTagOf(value: unknown): string {
  return sliceText(tagTextOf(value), 8, -1);
}
