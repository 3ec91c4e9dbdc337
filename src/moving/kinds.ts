// Which values move, or are followed, instead of being cloned.

import { hasOwn, toStringTag } from "../values/intrinsics.ts";
import type { Kind, Movers } from "../values/pack.ts";
import { classNameOf } from "../values/names.ts";
import { isOwned } from "./owned_connections.ts";
import { isWebValue, toData } from "./web_values.ts";
import { wholeBody } from "./whole_body.ts";

/** As they were before any job could overwrite them. */
const { ReadableStream, Request, Response, TransformStream, WritableStream } =
  globalThis;

const KINDS: Record<string, [Kind, abstract new () => unknown]> = {
  AbortSignal: ["signal", AbortSignal],
  ReadableStream: ["readable", ReadableStream],
  Request: ["request", Request as unknown as new () => unknown],
  Response: ["response", Response],
  TransformStream: ["transform", TransformStream],
  WritableStream: ["writable", WritableStream],
};

/** The kind of an object; `undefined` if it is cloned. */
export function kindOf(value: object): Kind | undefined {
  if (isConnection(value)) return "connection";
  // All others have a tag, whatever it is.
  if (!(toStringTag in value)) return undefined;
  const tag = classNameOf(value);
  if (tag === "Object") return undefined;
  const known = hasOwn(KINDS, tag) ? KINDS[tag] : undefined;
  if (known && value instanceof known[1]) return known[0];
  return isWebValue(value, tag) ? "value" : undefined;
}

/** Deno's connection classes are not exposed, so a connection is known by what it can do. */
function isConnection(value: object): value is Deno.Conn {
  // Asked first for what runs no getter of an object that is none.
  if (!("closeWrite" in value && "remoteAddr" in value)) return false;
  const conn = value as Partial<Deno.Conn>;
  return typeof conn.read === "function" && typeof conn.write === "function" &&
    typeof conn.closeWrite === "function";
}

/** Why an object of a kind cannot go now, if it cannot. */
function whyStays(value: object): string | undefined {
  if (isOwned(value)) return "has already moved into a job";
  if (value instanceof Request || value instanceof Response) {
    if (value instanceof Response && value.status === 101) {
      return "has status 101: an upgrade cannot move, upgrade in the thread that serves";
    }
    const isFree = !value.bodyUsed &&
      (wholeBody(value) !== undefined || !value.body?.locked);
    return isFree ? undefined : "has a body that is locked or already used";
  }
  const sides = value instanceof TransformStream
    ? [value.readable, value.writable]
    : [value as { locked?: boolean }];
  return sides.some(({ locked }) => locked) ? "is locked" : undefined;
}

/** The streams that an object takes with it when it moves, which nothing else can take. */
function streamsOf(value: object): object[] {
  if (value instanceof ReadableStream || value instanceof WritableStream) {
    return [value];
  }
  if (value instanceof Request || value instanceof Response) {
    // To be asked for a body that is whole makes it a stream.
    const body = wholeBody(value) === undefined ? value.body : null;
    return body ? [body] : [];
  }
  if (value instanceof TransformStream || isConnection(value)) {
    const { readable, writable } = value;
    return [readable, writable];
  }
  return [];
}

/** What packing knows of all that. */
export const MOVERS: Movers = {
  kindOf,
  whyStays,
  streamsOf,
  toData: (value) => toData(classNameOf(value), value),
};
