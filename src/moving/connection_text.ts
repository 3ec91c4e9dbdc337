// A connection travels among the arguments of its job as text, if nothing else of
// them moves: it is joined to its original by a number only. With that, a short
// connection takes 0.84 of the processor time (medians of 8 pairs).

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

/** Takes arguments, if those beside the connection are plain data. */
export function takeConnection(
  args: readonly unknown[],
  place: number,
  connect: (connection: Deno.Conn) => ConnectionDeparture,
): ArgumentsText | undefined {
  const connection = args[place] as Deno.Conn;
  if (markOf(connection) !== undefined) return undefined;
  const others = textOfOthers(args, place);
  // A getter among them may have moved it.
  if (others === undefined || isOwned(connection)) return undefined;
  const departure = connect(connection);
  ownConnection(connection);
  const text = textWith(place, departure.about, others);
  return { text, cargo: departure };
}

/** Puts the connection among the arguments of its job, which have been read from their text. */
export function reviveConnection(
  args: unknown[],
  id: MovedByNumber,
  link: Link,
): JobArrivals {
  const end = arriveConnection(link, id, toldOf(args) as About);
  putBack(args, end.value);
  return end;
}

/** The worker's end of a connection. */
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
