// What a value is called, whatever it says of itself.

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
 * The name of a value's built-in class, such as `"Map"`; `"Object"` for all other
 * classes. It is read only where it is plain data of a prototype, as it is for the
 * built-in classes: to read any other tag would run code of the value's class.
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

/** What error messages call a value. */
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
 * The name of a function, or `""`. It is read only where it is plain data: to read
 * any name of a proxy, such as one for another thread, may do something there.
 */
export function functionNameOf(value: unknown): string {
  if (typeof value !== "function") return "";
  try {
    const name = getOwnPropertyDescriptor(value, "name")?.value;
    return typeof name === "string" ? name : "";
  } catch {
    return ""; // A proxy that was revoked.
  }
}

/** A value as text; to make it one may throw. */
export function textOf(value: unknown): string {
  try {
    return stringOf(value);
  } catch {
    return `a ${typeof value} without a text`;
  }
}

/** Whether a value goes by the name of a class of the runtime's, and is none, as a `Response` of undici's. */
export function isNamesake(value: object, name: string): boolean {
  const Class = (globalThis as Record<string, unknown>)[name];
  return typeof Class === "function" && !(value instanceof Class);
}
