// How a connection departs: as its bytes, or as its descriptor where that is
// wanted and Deno has a way.

import { BytesHost } from "./bytes_host.ts";
import { classOf } from "./connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import { newDescriptor } from "./descriptor.ts";
import { DescriptorHost } from "./descriptor_host.ts";

/** Makes the departure of a connection. */
export function connectBytes(connection: Deno.Conn): ConnectionHost {
  return new BytesHost(connection);
}

/** The same by its descriptor, if it has one that can move. */
export function connectDescriptor(connection: Deno.Conn): ConnectionHost {
  // TLS is in the process, and not in the socket.
  const isTcp = classOf(connection) === "tcp";
  const fd = isTcp ? newDescriptor(connection) : undefined;
  return fd === undefined
    ? new BytesHost(connection)
    : new DescriptorHost(connection, fd);
}

/** How connections depart by the pool's option `connections`. */
export function connectBy(
  connections: "bytes" | "descriptor" | undefined,
): (connection: Deno.Conn) => ConnectionHost {
  return connections === "descriptor" ? connectDescriptor : connectBytes;
}
