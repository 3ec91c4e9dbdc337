// How a connection departs: as its bytes, or as its descriptor where that is
// wanted and Deno has a way.

import { BytesDeparture } from "./bytes_departure.ts";
import { classOf } from "./connection.ts";
import type { ConnectionDeparture } from "./connection_departure.ts";
import { newDescriptor } from "./descriptor.ts";
import { DescriptorDeparture } from "./descriptor_departure.ts";

/** Makes the departure of a connection. */
export function connectBytes(connection: Deno.Conn): ConnectionDeparture {
  return new BytesDeparture(connection);
}

/** Moves a connection by its descriptor, if it has one that can move. */
export function connectDescriptor(connection: Deno.Conn): ConnectionDeparture {
  // TLS is in the process, and not in the socket.
  const isTcp = classOf(connection) === "tcp";
  const fd = isTcp ? newDescriptor(connection) : undefined;
  return fd === undefined
    ? new BytesDeparture(connection)
    : new DescriptorDeparture(connection, fd);
}

/** How connections depart by the pool's option `connections`. */
export function connectBy(
  connections: "bytes" | "descriptor" | undefined,
): (connection: Deno.Conn) => ConnectionDeparture {
  return connections === "descriptor" ? connectDescriptor : connectBytes;
}
