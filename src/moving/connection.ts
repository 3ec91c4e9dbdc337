// What both ends of a moved connection share, and how the main thread owns and closes
// connections.
//
// A connection does not move as its two streams. Serving a short connection through
// Deno's `readable` and `writable` takes 124 µs of processor time, through `read` and
// `write` 89 µs (4 000 connections, medians of 5, alternating). Also, a stream has no
// handshake, and cannot close once everything is written.

import type { PackedError } from "../values/unpack_error.ts";
import { deno } from "../values/intrinsics.ts";
import type { Moved } from "./kind.ts";

/** Deno's class of a connection; Deno does not expose these classes. */
export type ConnectionClass = "tcp" | "unix" | "tls";

/** Description of a connection, with its descriptor if it moves as that. */
export type About = readonly [
  className: ConnectionClass,
  localAddr: Deno.Addr,
  remoteAddr: Deno.Addr,
  fd?: number,
];

/** Description of a connection that does not travel as text. */
export interface MovedConnection extends Moved {
  kind: "connection";
  id: number;
  /** {@linkcode About} as JSON, which is cheaper than a clone. */
  about: string;
}

/** Credit of a connection before its handler reads: one read. */
export const ONE_READ = 1;

/** A call of a handler to the connection's socket, which is in the main thread. */
export type SocketCall =
  | ["setNoDelay" | "setKeepAlive", boolean | undefined]
  | ["handshake"];

/** Answer to a {@linkcode SocketCall}. */
export type SocketAnswer = { value: unknown } | { error: PackedError };

/**
 * Property of connections that a pool owns, in all copies of the package. A set of all
 * these connections would cost the garbage collector too much.
 */
const OWNED = Symbol.for("@spindle/thread-pool/owned");

type Ownable = Deno.Conn & { [OWNED]?: boolean };

/** Returns whether a pool already owns a connection. */
export function isOwned(connection: Ownable): boolean {
  return connection[OWNED] === true;
}

/** Marks a connection as owned by a pool. */
export function ownConnection(connection: Ownable): void {
  connection[OWNED] = true;
}

/** Closes a connection that a pool owns. */
export function closeConnection(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    // The code that passed it to the pool has closed it.
    if (!(error instanceof deno.errors.BadResource)) throw error;
  }
}

/** Returns the class of a connection. */
export function classOf(connection: Deno.Conn): ConnectionClass {
  if ("handshake" in connection) return "tls";
  return "setNoDelay" in connection ? "tcp" : "unix";
}

/** Returns the description of a connection. */
export function aboutOf(connection: Deno.Conn, fd?: number): About {
  const { localAddr, remoteAddr } = connection;
  const about = [classOf(connection), localAddr, remoteAddr] as const;
  return fd === undefined ? about : [...about, fd];
}
