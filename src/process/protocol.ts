// What main and a process say to each other beside what any worker says and hears.

import type { FromWorker, ToWorker, Wake } from "../wire/protocol.ts";

/** What all processes of a pool are told first. */
export interface CommonInit {
  /** How many bytes it writes at once. */
  chunk: number;
  /** No message of it may be longer, in bytes. */
  longest: number;
  /** No clone in one may be longer, large buffers aside. */
  densest: number;
  /** Whether it stops by itself what takes too long. */
  guards: boolean;
  /** The kinds of permissions that it must not have. */
  denied: Deno.PermissionName[];
  /** The URL of the program's main module, for a process that may start others. */
  mainModule: string | undefined;
}

/** What a process is told first, as text: all that it needs in order to begin. */
export interface ProcessInit extends CommonInit {
  /** What its chunks begin with. */
  mark: number[];
  /** The name of the worker. */
  name: string;
  workerId: number;
  module: string | undefined;
  concurrency: number;
  /** MiB above which the heap is told of. */
  maxHeap: number | undefined;
  timeOrigin: number;
}

/** What a process is told before that, if its workers are given anything. */
export interface DataMessage {
  kind: "data";
  data: unknown;
}

/** From main to a process. */
export type ToProcess =
  | Exclude<ToWorker, Wake>
  /** Jobs that may only execute for so long are to come. */
  | { kind: "guard" }
  /** What moved with this job follows, but main has taken the job back. */
  | { kind: "cancel"; seq: number };

/** From a process to main. */
export type FromProcess =
  | Exclude<FromWorker, Wake>
  /** It has something to do before it ends. */
  | { kind: "stops" }
  /** Its job goes on by itself, so that it can take another one. */
  | { kind: "waits"; seq: number }
  /** Jobs that may only execute for so long can be stopped now. */
  | { kind: "guarded" }
  /** It has started a job. */
  | { kind: "started"; seq: number };
