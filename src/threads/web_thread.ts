// A thread that is a Web Worker: cheap, and a synchronous loop in it cannot be
// stopped from outside.

import { ENTRY, entryWith } from "./entry.ts";
import type { Thread, ThreadEvents, ThreadSettings } from "./thread.ts";
import { setRef } from "./unref.ts";

/** A Web Worker, in a sandbox if it is given permissions. */
export class WebThread implements Thread {
  readonly holdsToken = true;
  readonly #worker: Worker;
  #keepsProcess = true;

  constructor(
    { name, module, permissions }: ThreadSettings,
    events: ThreadEvents,
  ) {
    this.#worker = permissions === undefined
      ? new Worker(ENTRY, { type: "module", name })
      : openRestricted(entryWith(module, ENTRY, "listen"), name, permissions);
    listenTo(this.#worker, events);
  }

  post(message: unknown, moves?: Transferable[]): void {
    // Without a second argument Deno has a faster way.
    if (moves === undefined) this.#worker.postMessage(message);
    else this.#worker.postMessage(message, moves);
  }

  keepProcess(keeps: boolean): void {
    if (keeps === this.#keepsProcess) return;
    this.#keepsProcess = keeps;
    setRef(this.#worker, keeps);
  }

  terminate(): void {
    this.#worker.terminate();
    this.keepProcess(false);
  }
}

/** Starts a Web Worker with permissions of its own. */
function openRestricted(
  entry: URL,
  name: string,
  permissions: Deno.PermissionOptions,
): Worker {
  // Deno's types know the option only where its flag is set.
  const options = { type: "module", name, deno: { permissions } } as const;
  return new Worker(entry, options as WorkerOptions);
}

/** Tells of what a Web Worker says, and of its failures. */
function listenTo(worker: Worker, events: ThreadEvents): void {
  worker.addEventListener("message", (event) => events.message(event.data));
  worker.addEventListener("error", (event) => {
    // Unprevented, an error of a worker ends the whole process.
    event.preventDefault();
    events.failed(new Error(event.message));
  });
  worker.addEventListener("messageerror", (event) => {
    const cause = event.data;
    events.failed(new Error("A message could not be read", { cause }));
  });
}
