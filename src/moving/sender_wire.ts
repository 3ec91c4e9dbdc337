// What a sender in a worker and its pool say to each other.

import type { PackedError } from "../values/unpack_error.ts";
import type { MovedList } from "./kind.ts";

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
  | { kind: "abort"; id: number; reason: PackedError }
  /** A job that was run where it is waited for has ended. */
  | { kind: "ran"; id: number; ended: Ended };

/** How a call has ended. */
export type Ended =
  | { value: unknown }
  /** Its class, if it is one of the pool's own errors. */
  | { error: PackedError; own?: string };

/** What the pool answers. */
export type ToSender =
  | { kind: "ended"; id: number; ended: Ended }
  /** No worker is free, nor will be: the job is run where it is waited for. */
  | { kind: "run"; id: number; job: LocalJob };

/** A job that is run in the worker that waits for it. */
export interface LocalJob {
  id: number;
  name: string;
  source: string | undefined;
  /** How many ms it may execute. */
  timeout: number;
  args: readonly unknown[];
  /** What moves with them. */
  moved: MovedList | undefined;
}
