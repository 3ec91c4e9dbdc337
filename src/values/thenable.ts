// Detects promises and similar values.

import { objectPrototype } from "./intrinsics.ts";

/** Returns whether a value is a promise or a similar object. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { then } = value as { then?: unknown };
  // A job can add a `then()` to all objects.
  return typeof then === "function" &&
    then !== (objectPrototype as { then?: unknown }).then;
}
