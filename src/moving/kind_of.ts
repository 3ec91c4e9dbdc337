// Determines the kind of a value. This is not in the table's file, because streams,
// which are in the table, need the kind of their chunks.

import type { Kind } from "../values/departing.ts";
import { hasOwn, toStringTag } from "../values/intrinsics.ts";
import { classNameOf } from "../values/names.ts";
import { isSender } from "./sender.ts";
import { isWebValue } from "./web_values.ts";

/** Kinds by the tag of a class. */
const KINDS: Record<string, Kind> = {
  AbortSignal: "signal",
  ReadableStream: "readable",
  Request: "request",
  Response: "response",
  TransformStream: "transform",
  WritableStream: "writable",
};

/** Returns the kind of an object, or `undefined` if it is cloned. */
export function kindOf(value: object): Kind | undefined {
  if (isConnection(value)) return "connection";
  // Values of all other kinds have a tag.
  if (!(toStringTag in value)) return undefined;
  if (isSender(value)) return "sender";
  const tag = classNameOf(value);
  const kind = hasOwn(KINDS, tag)
    ? KINDS[tag]
    : isWebValue(tag)
    ? "value"
    : undefined;
  // Any object can have such a tag, so check the class too.
  const Class = kind &&
    (globalThis as unknown as Record<string, new () => unknown>)[tag];
  return Class && value instanceof Class ? kind : undefined;
}

/** Returns whether an object acts as a connection. Deno does not expose the classes. */
export function isConnection(value: object): value is Deno.Conn {
  // Checked first, because `in` runs no getters of other objects.
  if (!("closeWrite" in value && "remoteAddr" in value)) return false;
  const { read, write, closeWrite } = value as Partial<Deno.Conn>;
  return [read, write, closeWrite].every((method) => {
    return typeof method === "function";
  });
}
