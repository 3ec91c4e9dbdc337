// All messages between main and a worker, in both directions. README.md explains
// their order.

import type { PackedError } from "../values/unpack_error.ts";
import type { FlowEvents } from "../flow/events.ts";
import type { JobList } from "./job_list.ts";
import type { MovedList, MovedOfJob } from "../moving/kind.ts";

/** Tells the reader to check the board or the ring. Bare, because it is sent constantly. */
export const WAKE = 0;

/** The type of {@linkcode WAKE}. */
export type Wake = typeof WAKE;

/** A function that jobs run: an export of the module, or an inline source. */
export interface FunctionDefinition {
  /** Number by which jobs name the function; reused once the function is forgotten. */
  id: number;
  name: string;
  /** Source of an inline function. Without it, `name` is an export of the module. */
  source?: string;
  /** Where an inline function was first passed to the pool, if known. */
  place?: string;
  /** Whether the function is called with each of a job's arguments, see `batch.ts`. */
  isBatch?: boolean;
}

/** Shared memory for a worker's jobs and channels, from the worker's point of view. */
export interface Rings {
  jobs: SharedArrayBuffer;
  input: SharedArrayBuffer;
  output: SharedArrayBuffer;
}

/** What a worker needs to execute jobs. */
export interface WorkerInit {
  workerId: number;
  /** Shared memory for jobs and channels. Without it, everything goes by message. */
  rings: Rings | undefined;
  module: string | undefined;
  /** Maximum number of asynchronous jobs in progress at once. */
  concurrency: number;
  /** Heap size in MiB above which the worker reports `grown`. */
  maxHeap: number;
  /** Whether the worker itself stops synchronous code that exceeds its timeout. */
  guards: boolean;
  /** Whether this thread can be killed, and runs out of memory alone. */
  hardKill: boolean;
  /** Limit of this thread's heap in MiB. */
  memoryLimit: number | undefined;
  /** Time origin of main's clock (`performance.now()`). */
  timeOrigin: number;
  /** URL of the program's main module, if the worker is allowed to know it. */
  mainModule?: string;
  /** The pool's `workerData`, if any. */
  data?: unknown;
}

/** What a worker needs to begin. */
export interface InitMessage extends WorkerInit {
  kind: "init";
  /** Number of slots of the board. */
  slots: number;
  board: SharedArrayBuffer;
  /** First item of every message to and from this worker. */
  key: string;
}

/** Functions that the next jobs need, and functions that no job will name again. */
export interface FunctionsMessage {
  kind: "functions";
  forgotten: number[];
  definitions: FunctionDefinition[];
}

/** Events of the channels between two threads. */
export interface FlowMessage {
  kind: "flow";
  events: FlowEvents;
}

/** Messages from main to a worker. */
export type ToWorker =
  /** Check the ring. */
  | Wake
  | InitMessage
  /** A port that the thread holds. The port closes with the thread, so main detects the end. */
  | { kind: "hold"; token: MessagePort }
  | FunctionsMessage
  | JobList
  /** Jobs with values that move or are followed, not cloned; each job has one `moved`. */
  | { kind: "moving-jobs"; jobs: JobList; moved: MovedOfJob[] }
  /** A job in flight must end, because its caller aborted it or it timed out. */
  | { kind: "abort"; seq: number; reason: PackedError }
  /** No more jobs will come: the worker runs its `onStop()` callbacks. */
  | { kind: "stop" }
  | FlowMessage;

/** How a job ended, if the board cannot express it. */
export type Ending =
  | { kind: "value"; value: unknown; moved?: MovedList; isLarge?: boolean }
  | { kind: "error"; error: PackedError }
  | { kind: "not-found" | "not-cloneable"; message: string }
  /** The job was stopped in its synchronous part. */
  | { kind: "timed-out" };

/**
 * A result that does not fit the board, as a bare list: the job's sequence number,
 * the result and, from a thread, whether it is large. With property names, 1 MiB
 * there and back takes 1.08 of the processor time (3 pairs, messages alone).
 */
export type ResultMessage = unknown[];

/** Messages from a worker to main. */
export type FromWorker =
  /** Check the board. Bare, because it is sent constantly. */
  | Wake
  | ResultMessage
  /** The worker has read its first message. */
  | { kind: "begun" }
  /** The module is imported, and jobs can come. */
  | { kind: "ready" }
  /** The module cannot be imported. */
  | { kind: "failed"; error: PackedError }
  /** An error was not caught: main replaces the worker. */
  | { kind: "crashed"; error: PackedError }
  /** A job has ended in a way that no `ResultMessage` can express. */
  | { kind: "ended"; seq: number; ending: Ending }
  /** The heap has grown above its limit: the worker gets no more jobs. */
  | { kind: "grown" }
  /** An `onStop()` callback has failed. */
  | { kind: "stop-failed"; error: PackedError }
  /** All `onStop()` callbacks have ended. */
  | { kind: "stopped" }
  | FlowMessage;

/**
 * What a worker posts. Jobs can post messages too, so every message has a key that
 * no job knows. The wake-up is harmless and has no key.
 */
export type PostedFromWorker =
  | Wake
  | [key: string, message: Exclude<FromWorker, Wake>];

/** What main posts: the same, but `init`, which contains the key, has no key in front. */
export type PostedToWorker =
  | Wake
  | InitMessage
  | [key: string, message: Exclude<ToWorker, Wake | InitMessage>];
