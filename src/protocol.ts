// What main and a worker say to each other: all that the two ends share beside
// the board.

import type { Wake } from "./board.ts";
import type { PackedError } from "./error_codec.ts";

/** A function that jobs run: a name of the module's, or an inline source. */
export interface FunctionDefinition {
  name: string;
  /** Of an inline function; without it, the name is an export of the module. */
  source?: string;
}

/** What a worker needs to begin. */
export interface InitMessage {
  kind: "init";
  workerId: number;
  board: SharedArrayBuffer;
  module: string | undefined;
  /** Where main's clock (`performance.now()`) begins. */
  timeOrigin: number;
}

/**
 * A list of jobs, in the order in which they are to start. It is bare and flat,
 * since it is sent all the time: the sequence number of the first, which the
 * others follow; then for each its id, its function's number, and its arguments:
 * their count and they themselves, or `AS_TEXT` and their text.
 */
export type JobsMessage = unknown[];

/** Functions that this worker has not been told of yet, by growing number. */
export interface FunctionsMessage {
  kind: "functions";
  definitions: FunctionDefinition[];
}

/** A job with connections among its arguments. */
export interface ConnectedJobMessage {
  kind: "connected-job";
  job: JobsMessage;
  connections: MovedConnection[];
}

/** A connection that moves with a job. */
export interface MovedConnection {
  id: number;
  /** The object that stands for it in the arguments. */
  placeholder: object;
  localAddr: Deno.Addr;
  remoteAddr: Deno.Addr;
}

/** The caller has aborted a job that is on its way or running. */
export interface AbortMessage {
  kind: "abort";
  seq: number;
  reason: unknown;
}

/** What main tells the worker's end of a moved connection. */
export type ConnectionEvent =
  | { kind: "conn-data"; id: number; chunk: Uint8Array }
  | { kind: "conn-end"; id: number; error?: PackedError }
  | { kind: "conn-written"; id: number; bytes: number; error?: PackedError }
  | { kind: "conn-closed-write"; id: number; error?: PackedError };

/** What the worker's end of a moved connection asks of main. */
export type ConnectionRequest =
  | { kind: "conn-consumed"; id: number; bytes: number }
  | { kind: "conn-write"; id: number; chunk: Uint8Array }
  | { kind: "conn-close-write"; id: number }
  | { kind: "conn-close"; id: number }
  | {
    kind: "conn-option";
    id: number;
    option: "setNoDelay" | "setKeepAlive";
    value: boolean | undefined;
  };

/** From main to a worker. */
export type ToWorker =
  | InitMessage
  | FunctionsMessage
  | JobsMessage
  | ConnectedJobMessage
  | AbortMessage
  | ConnectionEvent;

/** How a job ended, where the board cannot say it. */
export type Ending =
  | { kind: "value"; value: unknown }
  | { kind: "error"; error: PackedError }
  | { kind: "not-found" | "not-cloneable"; message: string };

/**
 * Results that do not fit the board. The list is bare and flat: for each its
 * job's sequence number, and itself.
 */
export type ResultsMessage = unknown[];

/** From a worker to main. */
export type FromWorker =
  /** Look at the board. It is bare, since it is sent all the time. */
  | Wake
  | ResultsMessage
  /** The thread lives, and shows it by this name. */
  | { kind: "alive"; life: string }
  /** The module is imported: jobs may come. */
  | { kind: "ready" }
  /** The module cannot be imported. */
  | { kind: "failed"; error: PackedError }
  /** An error that no handler caught: the worker is to be replaced. */
  | { kind: "crashed"; error: PackedError }
  /** A job has failed. */
  | { kind: "ended"; seq: number; ending: Ending }
  | ConnectionRequest;
