// What both ends of a moved connection know, and what main does with connections
// that are the pool's.
//
// A connection has a pump of its own instead of moving as its two streams: to
// serve a short one by Deno's `readable` and `writable` takes 124 µs of processor
// time, by `read` and `write` 89 µs (4 000 connections, medians of 5, alternating),
// and a stream can neither be asked for a handshake nor be closed behind what was
// written.

import type { PackedError } from "../values/unpack_error.ts";
import { deno } from "../values/intrinsics.ts";
import type { Moved } from "./kind.ts";

/** Which of Deno's classes, which are not exposed, a connection is of. */
export type ConnectionClass = "tcp" | "unix" | "tls";

/** What there is to tell of a connection, its descriptor if it moves as that and not as its bytes. */
export type About = readonly [
  className: ConnectionClass,
  localAddr: Deno.Addr,
  remoteAddr: Deno.Addr,
  fd?: number,
];

/** How a connection is described that moves beside other things. */
export interface MovedConnection extends Moved {
  kind: "connection";
  id: number;
  /** {@linkcode About} as JSON, which is cheaper than a clone. */
  about: string;
}

/** How much of a connection may come ahead of its handler: what one read brings. */
export const ONE_READ = 1;

/** What a handler may ask of a connection's socket, which is at main. */
export type SocketCall =
  | ["setNoDelay" | "setKeepAlive", boolean | undefined]
  | ["handshake"];

/** What comes of that. */
export type SocketAnswer = { value: unknown } | { error: PackedError };

/**
 * On a connection that is a pool's, of any copy of the package: a set of all would
 * cost the garbage collector too much.
 */
const OWNED = Symbol.for("@spindle/thread-pool/owned");

type Ownable = Deno.Conn & { [OWNED]?: boolean };

/** Whether a connection is a pool's already. */
export function isOwned(connection: Ownable): boolean {
  return connection[OWNED] === true;
}

/** Makes a connection a pool's. */
export function ownConnection(connection: Ownable): void {
  connection[OWNED] = true;
}

/** Closes a connection that a pool owns. */
export function closeConnection(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    // Its former owner has closed it.
    if (!(error instanceof deno.errors.BadResource)) throw error;
  }
}

/** The class of a connection. */
export function classOf(connection: Deno.Conn): ConnectionClass {
  if ("handshake" in connection) return "tls";
  return "setNoDelay" in connection ? "tcp" : "unix";
}

/** What there is to tell of a connection. */
export function aboutOf(connection: Deno.Conn, fd?: number): About {
  const { localAddr, remoteAddr } = connection;
  const about = [classOf(connection), localAddr, remoteAddr] as const;
  return fd === undefined ? about : [...about, fd];
}
