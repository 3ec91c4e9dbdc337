// Runs a thread as a `node:worker_threads` worker. Such a worker can be stopped in a
// loop, and running out of memory does not affect other threads.

import { SHARE_ENV, Worker } from "node:worker_threads";
import { ENTRY, entryWith } from "./entry.ts";
import { splitHeap } from "./heap.ts";
import type { Thread, ThreadEvents, ThreadSettings } from "./thread.ts";

/** A thread that can be killed in a loop. */
export class NodeThread implements Thread {
  readonly holdsToken = true;
  readonly #worker: Worker;

  constructor(
    { name, module, memoryLimit }: ThreadSettings,
    events: ThreadEvents,
  ) {
    this.#worker = new Worker(entryWith(module, ENTRY, "listen"), {
      name,
      // deno-lint-ignore no-explicit-any
      env: SHARE_ENV as any,
      resourceLimits: memoryLimit === undefined ? {} : heapOf(memoryLimit),
    });
    this.#worker.on("message", (data: unknown) => events.message(data));
    this.#worker.on("messageerror", (cause: unknown) => {
      events.failed(new Error("A message could not be read", { cause }));
    });
    this.#worker.on("error", (error: unknown) => events.failed(error));
  }

  post(message: unknown, moves?: Transferable[]): void {
    // deno-lint-ignore no-explicit-any
    this.#worker.postMessage(message, moves as any);
  }

  keepProcess(keeps: boolean): void {
    if (keeps) this.#worker.ref();
    else this.#worker.unref();
  }

  terminate(): void {
    this.#worker.terminate();
    this.#worker.unref();
  }
}

function heapOf(limit: number): Record<string, number> {
  const { young, old } = splitHeap(limit);
  return { maxYoungGenerationSizeMb: young, maxOldGenerationSizeMb: old };
}
