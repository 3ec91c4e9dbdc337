// Of which kind a value is. This stands beside the table, since a stream, which is
// of a kind itself, asks it of its chunks.

import type { Kind } from "../values/departing.ts";
import { hasOwn, toStringTag } from "../values/intrinsics.ts";
import { classNameOf } from "../values/names.ts";
import { isSender } from "./sender.ts";
import { isWebValue } from "./web_values.ts";

/** The kinds of classes, by their tags. */
const KINDS: Record<string, Kind> = {
  AbortSignal: "signal",
  ReadableStream: "readable",
  Request: "request",
  Response: "response",
  TransformStream: "transform",
  WritableStream: "writable",
};

/** The kind of an object; `undefined` if it is cloned. */
export function kindOf(value: object): Kind | undefined {
  if (isConnection(value)) return "connection";
  // All others have a tag, whatever it is.
  if (!(toStringTag in value)) return undefined;
  if (isSender(value)) return "sender";
  const tag = classNameOf(value);
  const kind = hasOwn(KINDS, tag)
    ? KINDS[tag]
    : isWebValue(tag)
    ? "value"
    : undefined;
  // A tag alone proves nothing.
  const Class = kind &&
    (globalThis as unknown as Record<string, new () => unknown>)[tag];
  return Class && value instanceof Class ? kind : undefined;
}

/** Deno's connection classes are not exposed, so a connection is known by what it can do. */
export function isConnection(value: object): value is Deno.Conn {
  // Asked first, since this runs no getter of other objects.
  if (!("closeWrite" in value && "remoteAddr" in value)) return false;
  const { read, write, closeWrite } = value as Partial<Deno.Conn>;
  return [read, write, closeWrite].every((method) => {
    return typeof method === "function";
  });
}
