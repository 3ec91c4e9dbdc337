// What travels among the arguments of its job as text: a request without a body, or
// a connection, where nothing else moves.

import type { Link } from "../flow/link.ts";
import { isRequest } from "./bare_request.ts";
import { reviveConnection, takeConnection } from "./connection_text.ts";
import type { ConnectionDeparture } from "./connection_departure.ts";
import type { JobArrivals, MovedByNumber } from "./kind.ts";
import { isConnection } from "./kind_of.ts";
import { RequestArrival, takeRequest } from "./request_text.ts";
import { type ArgumentsText, toldOf } from "./text_beside.ts";

/** Where the first request or connection is among arguments, or -1. */
export function placeOfMoving(args: readonly unknown[]): number {
  try {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== "object" || arg === null) continue;
      if (isRequest(arg) || isConnection(arg)) return i;
    }
  } catch {
    // A proxy that was revoked, say: what packs it says so.
  }
  return -1;
}

/**
 * Takes arguments with a request or a connection at a place, if they can travel as
 * text; else what has been read of the others is kept.
 */
export function takeAsText(
  args: readonly unknown[],
  place: number,
  connect: (connection: Deno.Conn) => ConnectionDeparture,
): ArgumentsText | undefined {
  return isRequest(args[place] as object)
    ? takeRequest(args, place)
    : takeConnection(args, place, connect);
}

/** Puts it among the arguments that were read from their text. */
export function reviveText(
  args: unknown[],
  id: MovedByNumber,
  link: Link,
): JobArrivals {
  const [first] = toldOf(args) as [unknown];
  return typeof first === "string"
    ? reviveConnection(args, id, link)
    : new RequestArrival(args, id, link);
}
