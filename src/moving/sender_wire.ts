// The messages between a sender in a worker and its pool.

import type { PackedError } from "../values/unpack_error.ts";

/** A message to the pool, with the number of its call. */
export type ToPool =
  | {
    kind: "call";
    id: number;
    name: string;
    /** Source code of an inline job. */
    source: string | undefined;
    args: readonly unknown[];
    /** Placeholders in `args` for senders to the same pool. */
    senders: object[];
    options: Record<string, unknown> | undefined;
    /** Trace of the caller. */
    trace: string | undefined;
    /** Whether something in `args` has moved, and so moves on. */
    moves: boolean;
  }
  | { kind: "ready"; id: number }
  | { kind: "abort"; id: number; reason: PackedError };

/** Outcome of a call. */
export type Ended =
  | { value: unknown }
  /** `own` is the class of the error, if it is one of the pool's errors. */
  | { error: PackedError; own?: string };

/** The pool's answer to a call. */
export interface ToSender {
  id: number;
  ended: Ended;
}
