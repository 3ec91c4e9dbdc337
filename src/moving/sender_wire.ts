// What a sender in a worker and its pool say to each other.

import type { PackedError } from "../values/unpack_error.ts";

/** A call, or what belongs to one, by its number. */
export type ToPool =
  | {
    kind: "call";
    id: number;
    name: string;
    /** Of an inline job. */
    source: string | undefined;
    args: readonly unknown[];
    /** What stands in `args` for senders to the same pool. */
    senders: object[];
    options: Record<string, unknown> | undefined;
    /** The trace that its caller is a part of. */
    trace: string | undefined;
    /** Whether something in `args` has moved, and moves on. */
    moves: boolean;
  }
  | { kind: "ready"; id: number }
  | { kind: "abort"; id: number; reason: PackedError };

/** How a call has ended. */
export type Ended =
  | { value: unknown }
  /** Its class, if it is one of the pool's own errors. */
  | { error: PackedError; own?: string };

/** What the pool answers. */
export interface ToSender {
  id: number;
  ended: Ended;
}
