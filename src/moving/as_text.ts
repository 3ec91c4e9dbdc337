// Sends a request without a body, or a connection, as text among the arguments of
// its job, if nothing else moves.

import type { Link } from "../flow/link.ts";
import { isRequest } from "./bare_request.ts";
import { reviveConnection, takeConnection } from "./connection_text.ts";
import type { ConnectionDeparture } from "./connection_departure.ts";
import type { JobArrivals, MovedByNumber } from "./kind.ts";
import { isConnection } from "./kind_of.ts";
import { RequestArrival, takeRequest } from "./request_text.ts";
import { type ArgumentsText, toldOf } from "./text_beside.ts";

/** Returns the index of the first request or connection in arguments, or -1. */
export function placeOfMoving(args: readonly unknown[]): number {
  try {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== "object" || arg === null) continue;
      if (isRequest(arg) || isConnection(arg)) return i;
    }
  } catch {
    // For example, a revoked proxy: packing it reports the error.
  }
  return -1;
}

/**
 * Packs arguments as text, with a request or a connection at an index. If they cannot
 * travel as text, keeps what was read of the other arguments.
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

/** Puts the request or connection into the arguments parsed from their text. */
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
