// Names values, their classes and functions, for checks and error messages.

import {
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isView,
  sliceText,
  stringOf,
  toStringTag,
  typedArrayTagOf,
  typeTagOf,
} from "./intrinsics.ts";

/**
 * Returns the name of a value's built-in class, such as `"Map"`; `"Object"` for all
 * other classes. The name is read only from a prototype's plain data property, as
 * built-in classes have it: reading any other tag would run code of the class.
 */
export function classNameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeNameOf(value);
  if (isView(value)) return typedArrayTagOf(value) ?? "DataView";
  for (
    let prototype = getPrototypeOf(value);
    prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    const tag = getOwnPropertyDescriptor(prototype, toStringTag)?.value;
    if (typeof tag === "string") return tag;
  }
  return toStringTag in value ? "Object" : typeNameOf(value);
}

function typeNameOf(value: unknown): string {
  return sliceText(typeTagOf(value), 8, -1);
}

/** Returns the name of a value for error messages. */
export function nameOf(value: unknown): string {
  if (typeof value === "symbol") return stringOf(value);
  if (typeof value === "function") {
    const own = functionNameOf(value);
    return own === "" ? "a function" : `function ${own}`;
  }
  const name = classNameOf(value);
  if (name !== "Object") return name;
  const { constructor } = value as object;
  return functionNameOf(constructor) || name;
}

/**
 * Returns the name of a function, or `""`. The name is read only from a plain data
 * property: on a proxy, such as one for another thread, a read can have effects.
 */
export function functionNameOf(value: unknown): string {
  if (typeof value !== "function") return "";
  try {
    const name = getOwnPropertyDescriptor(value, "name")?.value;
    return typeof name === "string" ? name : "";
  } catch {
    return ""; // A revoked proxy.
  }
}

/** Converts a value to a string; never throws. */
export function textOf(value: unknown): string {
  try {
    return stringOf(value);
  } catch {
    return `a ${typeof value} without a text`;
  }
}

/** Returns whether a value only shares its name with a runtime class, such as undici's `Response`. */
export function isNamesake(value: object, name: string): boolean {
  const Class = (globalThis as Record<string, unknown>)[name];
  return typeof Class === "function" && !(value instanceof Class);
}
