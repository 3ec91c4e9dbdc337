// What is done with connections that are the pool's, however they move.

import type { ConnKind } from "./moved.ts";

/** On a connection that is; a set of them would cost the garbage collector more than all else. */
const OWNED = Symbol("owned by a thread pool");

type Ownable = Deno.Conn & { [OWNED]?: boolean };

/** Whether an object is a connection that is a pool's already. */
export function isOwned(value: object): boolean {
  return (value as Partial<Ownable>)[OWNED] === true;
}

/** Makes a connection the pool's. */
export function ownConnection(conn: Ownable): void {
  conn[OWNED] = true;
}

/** Closes a connection that the pool owns. */
export function closeConnection(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    // Its former owner has closed it.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Which of Deno's classes, which are not exposed, a connection is of. */
export function kindOfConnection(conn: Deno.Conn): ConnKind {
  if ("handshake" in conn) return "tls";
  return "setNoDelay" in conn ? "tcp" : "unix";
}

/** A connection's addresses as they are sent. */
export function addressesOf({ localAddr, remoteAddr }: Deno.Conn): string {
  return JSON.stringify([localAddr, remoteAddr]);
}
