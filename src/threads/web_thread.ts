// Runs a thread as a Web Worker. A Web Worker is cheap, but a synchronous loop in it
// cannot be stopped from outside.

import { ENTRY, entryWith } from "./entry.ts";
import type { Thread, ThreadEvents, ThreadSettings } from "./thread.ts";
import { setRef } from "./unref.ts";

/** A Web Worker, in a sandbox if `permissions` are set. */
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
    // Deno is faster without a second argument.
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

/** Starts a Web Worker with restricted permissions. */
function openRestricted(
  entry: URL,
  name: string,
  permissions: Deno.PermissionOptions,
): Worker {
  // Deno's types include `deno` only if its unstable flag is set.
  const options = { type: "module", name, deno: { permissions } } as const;
  return new Worker(entry, options as WorkerOptions);
}

/** Reports the messages and failures of a Web Worker. */
function listenTo(worker: Worker, events: ThreadEvents): void {
  worker.addEventListener("message", (event) => events.message(event.data));
  worker.addEventListener("error", (event) => {
    // By default, an error in a worker ends the whole process.
    event.preventDefault();
    events.failed(new Error(event.message));
  });
  worker.addEventListener("messageerror", (event) => {
    const cause = event.data;
    events.failed(new Error("A message could not be read", { cause }));
  });
}
