// Which way a connection moves: as its bytes, or as its descriptor where that
// is wanted and can be had.

import { ConnectionHost } from "./connection_host.ts";
import { canMoveDescriptors, newDescriptor } from "./descriptor.ts";
import { DescriptorHost } from "./descriptor_host.ts";
import type { Departure } from "./moved.ts";
import { kindOfConnection } from "./owned_connections.ts";

/** Makes the departure of a connection. */
export function connectBytes(conn: Deno.Conn): Departure {
  return new ConnectionHost(conn);
}

/** The same by its descriptor, where that can be had. */
export function connectDescriptor(conn: Deno.Conn): Departure {
  // TLS is in the process, and not in the socket.
  const isTcp = kindOfConnection(conn) === "tcp";
  const fd = isTcp && canMoveDescriptors() ? newDescriptor(conn) : undefined;
  return fd === undefined
    ? new ConnectionHost(conn)
    : new DescriptorHost(conn, fd);
}
