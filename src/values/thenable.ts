// Whether a value is still to come.

import { objectPrototype } from "./intrinsics.ts";

/** Whether a value is a promise, or the like. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { then } = value as { then?: unknown };
  // A job may have given one to all objects.
  return typeof then === "function" &&
    then !== (objectPrototype as { then?: unknown }).then;
}
