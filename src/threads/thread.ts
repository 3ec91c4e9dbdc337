// What a thread is to the pool, however it is made.

import type { Clock } from "../values/clock.ts";

/** What a thread needs in order to start. */
export interface ThreadSettings {
  name: string;
  /** The pool's module; it is loaded together with the thread's own code. */
  module: string | undefined;
  /** Whether it can be stopped whatever it does. */
  hardKill: boolean;
  /** MiB of its heap. */
  memoryLimit: number | undefined;
  permissions: Deno.PermissionOptions | undefined;
  /** The pool's clock, if it is the caller's own thread. */
  callerClock: Clock | undefined;
}

/** Starts a thread. */
export type OpenThread = (
  settings: ThreadSettings,
  events: ThreadEvents,
) => Thread;

/** What a thread tells its owner. */
export interface ThreadEvents {
  /** Something has posted this from there: the pool's code, or a job. */
  message(data: unknown): void;
  /** It has failed: nothing else will be heard of it, but what is on its way. */
  failed(cause: unknown): void;
}

/** A thread that has been started. */
export interface Thread {
  /** Whether it ends as a thread does that holds a token of its life. */
  readonly holdsToken: boolean;
  /** Sends a message; throws as `postMessage` does. */
  post(message: unknown, moves?: Transferable[]): void;
  /** Whether it keeps the process from ending; it does from the start. */
  keepProcess(keeps: boolean): void;
  /** Ends it as far as that can be done, and lets the process end without it. */
  terminate(): void;
}
