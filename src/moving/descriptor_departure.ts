// Main's end of a connection that moves as its descriptor: it waits for the end.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { closeConnection, type SocketCall } from "./connection.ts";
import { ConnectionDeparture } from "./connection_departure.ts";
import { dropDescriptor } from "./descriptor.ts";

/** A connection whose socket the worker uses by itself. */
export class DescriptorDeparture extends ConnectionDeparture {
  readonly #fd: number;
  protected readonly channel = new Channel({
    closed: () => this.close(),
    failed: () => this.close(),
    called: (call) => this.#call(call as SocketCall),
  }, { in: 0, out: 0 });
  /** Whether the descriptor is a worker's, which closes it. */
  #isLent = false;

  /** @param fd A descriptor of its own of the connection's socket */
  constructor(connection: Deno.Conn, fd: number) {
    super(connection, fd);
    this.#fd = fd;
  }

  send(link: Link): number {
    this.#isLent = true;
    return this.channel.open(link, true);
  }

  #call([name, value]: SocketCall): void {
    try {
      if (name !== "handshake") (this.connection as Deno.TcpConn)[name](value);
    } catch {
      // The socket is gone, which the next read or write reports.
    }
  }

  override takeBack(): void {
    this.#isLent = false;
    super.takeBack();
  }

  close(): void {
    if (!this.isOpen) return;
    if (!this.#isLent) dropDescriptor(this.#fd);
    // This shuts the socket down, so it comes last.
    closeConnection(this.connection);
    this.leave();
  }
}
