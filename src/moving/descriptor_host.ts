// Main's end of a connection that has moved as its descriptor: it only waits
// for the end.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { dropDescriptor } from "./descriptor.ts";
import type { Departure, MovedDescriptor, SocketOption } from "./moved.ts";
import { addressesOf, closeConnection } from "./owned_connections.ts";

/** A connection whose socket the worker uses by itself. */
export class DescriptorHost implements Departure {
  readonly #conn: Deno.Conn;
  readonly #fd: number;
  readonly #channel = new Channel({
    closed: () => this.close(),
    failed: () => this.close(),
    called: (call) => this.#call(call as SocketOption),
  }, { in: 0, out: 0 });
  /** Whether the descriptor is a worker's, which closes it. */
  #isLent = false;
  isOpen = true;
  onClosed: (() => void) | undefined;

  /** @param fd A descriptor of its own of the connection's socket */
  constructor(conn: Deno.Conn, fd: number) {
    this.#conn = conn;
    this.#fd = fd;
  }

  send(link: Link): MovedDescriptor {
    const id = this.#channel.open(link, true);
    const addresses = addressesOf(this.#conn);
    this.#isLent = true;
    return { kind: "descriptor", id, addresses, fd: this.#fd };
  }

  #call([name, value]: SocketOption): void {
    try {
      (this.#conn as Deno.TcpConn)[name](value);
    } catch {
      // The socket is gone, which the next read or write reports.
    }
  }

  takeBack(): void {
    this.#isLent = false;
    this.#channel.leave();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#channel.leave();
    if (!this.#isLent) dropDescriptor(this.#fd);
    // To close it shuts the socket down, so that comes last.
    closeConnection(this.#conn);
    this.onClosed?.();
  }
}
