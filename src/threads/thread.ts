// Defines the interface of a thread, which all kinds of threads implement.

import type { Clock } from "../values/clock.ts";

/** Settings to start a thread. */
export interface ThreadSettings {
  name: string;
  /** URL of the pool's module, which is loaded together with the thread's own code. */
  module: string | undefined;
  /** Whether the thread must be stoppable even in a loop. */
  hardKill: boolean;
  /** Maximum size of the heap in MiB. */
  memoryLimit: number | undefined;
  permissions: Deno.PermissionOptions | undefined;
  /** The pool's clock, if the thread is the caller's own. */
  callerClock: Clock | undefined;
}

/** Starts a thread. */
export type OpenThread = (
  settings: ThreadSettings,
  events: ThreadEvents,
) => Thread;

/** Events that a thread reports to its owner. */
export interface ThreadEvents {
  /** The pool's code or a job has posted a message in the thread. */
  message(data: unknown): void;
  /** The thread has failed; only messages that are already on their way follow. */
  failed(cause: unknown): void;
}

/** A thread that has been started. */
export interface Thread {
  /** Whether the thread holds a token, which closes when the thread ends. */
  readonly holdsToken: boolean;
  /** Sends a message; throws as `postMessage` does. */
  post(message: unknown, moves?: Transferable[]): void;
  /** Sets whether the thread keeps the process alive, which it does at first. */
  keepProcess(keeps: boolean): void;
  /** Terminates the thread if possible, and lets the process end without it. */
  terminate(): void;
}
