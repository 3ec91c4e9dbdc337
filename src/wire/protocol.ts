// What main and a worker say to each other: all messages, in both directions.
// README.md tells their order.

import type { PackedError } from "../values/unpack_error.ts";
import type { FlowEvents } from "../flow/events.ts";
import type { JobList } from "./job_list.ts";
import type { MovedList, MovedOfJob } from "../moving/kind.ts";

/** "Look": at the board, or into the ring. It is bare, since it is sent all the time. */
export const WAKE = 0;

/** The type of {@linkcode WAKE}. */
export type Wake = typeof WAKE;

/** A function that jobs run: a name of the module's, or an inline source. */
export interface FunctionDefinition {
  /** What jobs call it by; used again once the function is forgotten. */
  id: number;
  name: string;
  /** Of an inline function; without it, the name is an export of the module. */
  source?: string;
  /** Where an inline function was first given to the pool, if that is known. */
  place?: string;
  /** Whether it is called with each of a job's arguments, see `batch.ts`. */
  isBatch?: boolean;
}

/** The shared memory of a worker's jobs and channels, as the worker sees it. */
export interface Rings {
  jobs: SharedArrayBuffer;
  input: SharedArrayBuffer;
  output: SharedArrayBuffer;
}

/** What a worker needs in order to execute jobs. */
export interface WorkerInit {
  workerId: number;
  /** Where it is told, and tells, what channels have to say; else by messages. */
  rings: Rings | undefined;
  module: string | undefined;
  /** How many asynchronous jobs may be in progress at once. */
  concurrency: number;
  /** MiB above which the heap is told of. */
  maxHeap: number;
  /** Whether it stops by itself what takes too long. */
  guards: boolean;
  /** Whether this thread can be killed, and runs out of memory alone. */
  hardKill: boolean;
  /** MiB to which the heap of this thread is limited. */
  memoryLimit: number | undefined;
  /** Where main's clock (`performance.now()`) begins. */
  timeOrigin: number;
  /** The URL of the program's main module, if it may be known. */
  mainModule?: string;
  /** What every worker is given, if anything. */
  data?: unknown;
}

/** What a worker needs to begin. */
export interface InitMessage extends WorkerInit {
  kind: "init";
  /** How many slots the board has. */
  slots: number;
  board: SharedArrayBuffer;
  /** What messages to and from this worker begin with. */
  key: string;
}

/** Functions that the next jobs need, and those that no job will name again. */
export interface FunctionsMessage {
  kind: "functions";
  forgotten: number[];
  definitions: FunctionDefinition[];
}

/** What the channels between two threads have to say. */
export interface FlowMessage {
  kind: "flow";
  events: FlowEvents;
}

/** From main to a worker. */
export type ToWorker =
  /** Look into the ring. */
  | Wake
  | InitMessage
  /** What the thread is to hold: it closes with the thread, and so tells main of its end. */
  | { kind: "hold"; token: MessagePort }
  | FunctionsMessage
  | JobList
  /** Jobs with things that move, or are followed, instead of being cloned: `moved` is for each of the jobs. */
  | { kind: "moving-jobs"; jobs: JobList; moved: MovedOfJob[] }
  /** A job that is on its way or running is to end: its caller has aborted it, or its time is over. */
  | { kind: "abort"; seq: number; reason: PackedError }
  /** No job will come: the worker does what its jobs want done before it ends. */
  | { kind: "stop" }
  | FlowMessage;

/** How a job ended, where the board cannot say it. */
export type Ending =
  | { kind: "value"; value: unknown; moved?: MovedList; isLarge?: boolean }
  | { kind: "error"; error: PackedError }
  | { kind: "not-found" | "not-cloneable"; message: string }
  /** It was stopped in its synchronous part. */
  | { kind: "timed-out" };

/**
 * A result that does not fit the board, as a bare list: its job's sequence number,
 * itself, and, from a thread, whether it is large. With names, 1 MiB there and back
 * takes 1.08 of the processor time (3 pairs, messages alone).
 */
export type ResultMessage = unknown[];

/** From a worker to main. */
export type FromWorker =
  /** Look at the board. It is bare, since it is sent all the time. */
  | Wake
  | ResultMessage
  /** It has read its first message. */
  | { kind: "begun" }
  /** The module is imported: jobs may come. */
  | { kind: "ready" }
  /** The module cannot be imported. */
  | { kind: "failed"; error: PackedError }
  /** An error that no handler caught: the worker is to be replaced. */
  | { kind: "crashed"; error: PackedError }
  /** A job has ended in a way that no `ResultMessage` can express. */
  | { kind: "ended"; seq: number; ending: Ending }
  /** Its heap has grown above its limit: it is to get no more jobs. */
  | { kind: "grown" }
  /** Something that was to be done before it ends has failed. */
  | { kind: "stop-failed"; error: PackedError }
  /** It has done all that. */
  | { kind: "stopped" }
  | FlowMessage;

/**
 * What a worker posts: all but the wake-up, which does no harm, comes with a key
 * that no job knows, since jobs can post messages as well.
 */
export type PostedFromWorker =
  | Wake
  | [key: string, message: Exclude<FromWorker, Wake>];

/** What main posts: the same, but for the message that tells the key. */
export type PostedToWorker =
  | Wake
  | InitMessage
  | [key: string, message: Exclude<ToWorker, Wake | InitMessage>];
