// The main thread's end of a connection that moves as its descriptor.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { closeConnection, type SocketCall } from "./connection.ts";
import { ConnectionDeparture } from "./connection_departure.ts";
import { dropDescriptor } from "./descriptor.ts";

/** A connection whose socket the worker uses directly. Waits for its end. */
export class DescriptorDeparture extends ConnectionDeparture {
  readonly #fd: number;
  protected readonly channel = new Channel({
    closed: () => this.close(),
    failed: () => this.close(),
    called: (call) => this.#call(call as SocketCall),
  }, { in: 0, out: 0 });
  /** Whether a worker has the descriptor, and closes it. */
  #isLent = false;

  /** @param fd A new descriptor of the connection's socket */
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
      // The socket is closed; the next read or write reports it.
    }
  }

  override takeBack(): void {
    this.#isLent = false;
    super.takeBack();
  }

  close(): void {
    if (!this.isOpen) return;
    if (!this.#isLent) dropDescriptor(this.#fd);
    // Last, because this shuts the socket down.
    closeConnection(this.connection);
    this.leave();
  }
}
