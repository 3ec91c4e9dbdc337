// Chooses how a connection moves: as bytes, or as its descriptor if the option asks
// for that and Deno can do it.

import { BytesDeparture } from "./bytes_departure.ts";
import { classOf } from "./connection.ts";
import type { ConnectionDeparture } from "./connection_departure.ts";
import { newDescriptor } from "./descriptor.ts";
import { DescriptorDeparture } from "./descriptor_departure.ts";

/** Makes a departure that moves a connection as bytes. */
export function connectBytes(connection: Deno.Conn): ConnectionDeparture {
  return new BytesDeparture(connection);
}

/** Makes a departure that moves a connection as its descriptor, if that can move. */
export function connectDescriptor(connection: Deno.Conn): ConnectionDeparture {
  // The state of TLS is in the process, not in the socket.
  const isTcp = classOf(connection) === "tcp";
  const fd = isTcp ? newDescriptor(connection) : undefined;
  return fd === undefined
    ? new BytesDeparture(connection)
    : new DescriptorDeparture(connection, fd);
}

/** Returns how connections depart with this value of the pool's option `connections`. */
export function connectBy(
  connections: "bytes" | "descriptor" | undefined,
): (connection: Deno.Conn) => ConnectionDeparture {
  return connections === "descriptor" ? connectDescriptor : connectBytes;
}
