// What moves, or follows its original, instead of being cloned: how it is
// described in a message, and what each thread keeps of it.

import type { PackedError } from "../values/error_codec.ts";
import type { Link } from "../flow/link.ts";
import type { Details, Header } from "./http_fields.ts";
import type { WholeBody } from "./whole_body.ts";

/** Which of Deno's classes a connection is of. */
export type ConnKind = "tcp" | "unix" | "tls";

/** A connection whose bytes come and go through a channel. */
export interface MovedConnection {
  kind: "connection";
  type: ConnKind;
  id: number;
  /** Its local and its remote address, as JSON: most handlers do not ask for them. */
  addresses: string;
}

/** A connection that arrives as its file descriptor. */
export interface MovedDescriptor {
  kind: "descriptor";
  id: number;
  addresses: string;
  fd: number;
}

/** An option of a socket that a handler sets. */
export type SocketOption = ["setNoDelay" | "setKeepAlive", boolean | undefined];

/** What a handler may ask of a socket beside reading and writing. */
export type SocketCall = SocketOption | ["handshake"];

/** What comes of that. */
export type SocketAnswer = { value: unknown } | { error: PackedError };

/** A stream that is read where it arrives. */
export interface MovedReadable {
  kind: "readable";
  id: number;
  /** How much may come from the start. */
  credit: number;
  /** Whether it is a stream of bytes. */
  bytes: boolean;
}

/** A stream that is written where it arrives. */
export interface MovedWritable {
  kind: "writable";
  id: number;
  /** Set if it has ended already: with an error, if it has failed. */
  ended: { error?: PackedError } | undefined;
}

/** A stream that is written and read where it arrives. */
export interface MovedTransform {
  kind: "transform";
  readable: MovedReadable;
  writable: MovedWritable;
}

/** A signal that follows its original. */
export interface MovedSignal {
  kind: "signal";
  id: number;
  /** The reason, if it has fired already. */
  reason: PackedError | undefined;
}

/** The body of a `Request` or a `Response`: whole, or as a stream. */
export type MovedBody = WholeBody | MovedReadable | undefined;

/** A `Request`. */
export interface MovedRequest {
  kind: "request";
  url: string;
  method: string;
  headers: Header[];
  details: Details | undefined;
  body: MovedBody;
  /** Its signal, if that may still fire. */
  signal: MovedSignal | undefined;
  /** The reason, if it has fired. */
  aborted: PackedError | undefined;
}

/** A `Response`. */
export interface MovedResponse {
  kind: "response";
  status: number;
  statusText: string;
  headers: Header[];
  details: Details | undefined;
  body: MovedBody;
}

/** A value that `postMessage` would lose, as one that it does not. */
export interface MovedValue {
  kind: "value";
  type: string;
  data: unknown;
}

/** How much of a connection may come ahead of its handler: what one read brings. */
export const ONE_READ = 1;

/** How something that moves is described in a message. */
export type Moved =
  | MovedConnection
  | MovedDescriptor
  | MovedReadable
  | MovedWritable
  | MovedTransform
  | MovedSignal
  | MovedRequest
  | MovedResponse
  | MovedValue;

/** What departs with one value: for each the object that stands for it there, and its description. */
export type MovedList = [placeholder: object, moved: Moved][];

/** What may be open for a while. */
export interface Open {
  /** Whether it still is. */
  readonly isOpen: boolean;
  /** Set to hear that it no longer is. */
  onClosed?: () => void;
}

/** Something that moves, in the thread that it leaves. */
export interface Departure extends Open {
  /** How many bytes go with its description. */
  readonly size?: number;
  /** Whether what is there of it already is still to be known; else it is by the end of the turn. */
  readonly isPending?: boolean;
  /** Set to hear that it is known. */
  onReady?: () => void;
  /**
   * Describes it for the other thread, to which it is joined from now on.
   *
   * @param isOnce Whether it is sent only once, so that what is there of it may move
   */
  send(link: Link, isOnce: boolean): Moved;
  /** Undoes that, so that it can be sent elsewhere. */
  takeBack(): void;
  /** Closes it now, for this reason. */
  close(reason: unknown): void;
}

/** Something that has moved, in the thread to which it came. */
export interface Arrival extends Open {
  /** What it is here. */
  readonly value: unknown;
  /** The job has started. */
  start?(): void;
  /** The caller has aborted the job. */
  abort?(): void;
  /** The job has ended: with an error, if it failed. */
  end(failure?: { thrown: unknown }): void;
}

/** Calls back when nothing is open any more: at once, if nothing is. */
export function whenClosed(all: Iterable<Open>, callback: () => void): void {
  let open = 0;
  for (const one of all) {
    if (!one.isOpen) continue;
    open++;
    one.onClosed = () => {
      if (--open === 0) callback();
    };
  }
  if (open === 0) callback();
}
