// Which values move, or are followed, instead of being cloned.

import { hasOwn } from "../intrinsics.ts";
import { tagOf } from "../tag.ts";
import { isWebValue } from "./web_values.ts";
import { wholeBody } from "./whole_body.ts";

/** How a value goes to another thread, if not as a clone. */
export type Kind =
  | "connection"
  | "readable"
  | "writable"
  | "transform"
  | "signal"
  | "request"
  | "response"
  | "value";

/** As they were before any job could overwrite them. */
const { Request, Response } = globalThis;

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
  const tag = tagOf(value);
  if (tag === "Object") return undefined;
  const known = hasOwn(KINDS, tag) ? KINDS[tag] : undefined;
  if (known && value instanceof known[1]) return known[0];
  return isWebValue(value, tag) ? "value" : undefined;
}

/** Deno's connection classes are not exposed, so a connection is known by what it can do. */
function isConnection(value: object): value is Deno.Conn {
  const conn = value as Partial<Deno.Conn>;
  return typeof conn.read === "function" && typeof conn.write === "function" &&
    typeof conn.closeWrite === "function" && "remoteAddr" in conn;
}

/** Why an object of a kind cannot go now, if it cannot. */
export function whyStays(value: object): string | undefined {
  if (value instanceof Request || value instanceof Response) {
    const isFree = !value.bodyUsed &&
      (wholeBody(value) !== undefined || !value.body?.locked);
    return isFree ? undefined : "has a body that is locked or already used";
  }
  const sides = value instanceof TransformStream
    ? [value.readable, value.writable]
    : [value as { locked?: boolean }];
  return sides.some(({ locked }) => locked) ? "is locked" : undefined;
}
