// What main's ends of moved connections have in common, whatever way they move.

import type { Link } from "../flow/link.ts";
import { type About, aboutOf, type MovedConnection } from "./connection.ts";
import { type Departure, Half } from "./kind.ts";

/** Main's end of a moved connection. */
export abstract class ConnectionDeparture extends Half
  implements Departure<MovedConnection> {
  protected readonly connection: Deno.Conn;
  readonly about: About;
  /** Whether the client has not been heard of. */
  isPending = false;
  onReady: (() => void) | undefined;

  constructor(connection: Deno.Conn, fd?: number) {
    super();
    this.connection = connection;
    this.about = aboutOf(connection, fd);
  }

  /** Opens its channel to a worker; gives the number of that. */
  abstract open(link: Link): number;

  abstract close(reason: unknown): void;

  send(link: Link): MovedConnection {
    const about = JSON.stringify(this.about);
    return { kind: "connection", id: this.open(link), about };
  }
}
