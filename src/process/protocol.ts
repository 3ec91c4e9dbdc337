// Defines the messages between main and a process, in addition to those of all workers.

import type { FromWorker, ToWorker, Wake } from "../wire/protocol.ts";

/** The part of the first message that is the same for all processes of a pool. */
export interface CommonInit {
  /** Maximum number of bytes that the process writes at once. */
  chunk: number;
  /** Maximum length in bytes of a message from the process. */
  longest: number;
  /** Maximum length in bytes of a clone in such a message, without large buffers. */
  densest: number;
  /** Whether the process itself stops jobs whose timeout is over. */
  guards: boolean;
  /** Kinds of permissions that the process must not have in full. */
  denied: Deno.PermissionName[];
  /** URL of the program's main module, for a process that may start other processes. */
  mainModule: string | undefined;
}

/** The message that starts a process, as text. */
export interface ProcessInit extends CommonInit {
  /** First bytes of each chunk from the process. */
  mark: number[];
  /** Name of the worker. */
  name: string;
  workerId: number;
  module: string | undefined;
  concurrency: number;
  /** Heap size in MiB above which the process reports `grown`. */
  maxHeap: number | undefined;
  timeOrigin: number;
}

/** A message that precedes `ProcessInit` if the pool has `workerData`. */
export interface DataMessage {
  kind: "data";
  data: unknown;
}

/** Messages from main to a process. */
export type ToProcess =
  | Exclude<ToWorker, Wake>
  /** Jobs with a timeout will follow. */
  | { kind: "guard" }
  /** Main has taken back the job that follows: only its moved values are needed. */
  | { kind: "cancel"; seq: number };

/** Messages from a process to main. */
export type FromProcess =
  | Exclude<FromWorker, Wake>
  /** Jobs have called `onStop()`: the process has callbacks to run before it ends. */
  | { kind: "stops" }
  /** A job waits, so the process can start another job. */
  | { kind: "waits"; seq: number }
  /** The guard is loaded: jobs with a timeout can be stopped. */
  | { kind: "guarded" }
  /** A job has started. */
  | { kind: "started"; seq: number };
