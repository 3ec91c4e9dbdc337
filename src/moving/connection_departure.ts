// Base class of the main thread's ends of moved connections.

import type { Link } from "../flow/link.ts";
import type { Cargo } from "./cargo.ts";
import { type About, aboutOf } from "./connection.ts";
import { Half, type MovedByNumber } from "./kind.ts";

/** The main thread's end of a moved connection. */
export abstract class ConnectionDeparture extends Half implements Cargo {
  readonly size = 0;
  protected readonly connection: Deno.Conn;
  readonly about: About;

  constructor(connection: Deno.Conn, fd?: number) {
    super();
    this.connection = connection;
    this.about = aboutOf(connection, fd);
  }

  abstract send(link: Link): MovedByNumber;

  abstract close(reason: unknown): void;
}
