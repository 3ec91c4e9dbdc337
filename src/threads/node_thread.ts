// A thread that is a worker of `node:worker_threads`, which can be stopped in a
// loop, and runs out of memory alone.

import { SHARE_ENV, Worker } from "node:worker_threads";
import { entryWith } from "./entry.ts";
import type { Thread, ThreadEvents, ThreadSettings } from "./thread.ts";

/** A thread that can be killed. */
export class NodeThread implements Thread {
  readonly holdsToken = true;
  readonly #worker: Worker;

  constructor(
    { name, module, memoryLimit }: ThreadSettings,
    events: ThreadEvents,
  ) {
    this.#worker = openNodeWorker(entryWith(module), name, memoryLimit);
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

/** Starts a worker of `node:worker_threads`. */
function openNodeWorker(
  entry: URL,
  name: string,
  memoryLimit: number | undefined,
): Worker {
  return new Worker(entry, {
    name,
    // deno-lint-ignore no-explicit-any
    env: SHARE_ENV as any,
    resourceLimits: memoryLimit === undefined ? {} : heapOf(memoryLimit),
  });
}

/** Which part of a heap is for what is new, at most so many MiB. */
const YOUNG_PART = 1 / 4;
const MOST_YOUNG = 16;

function heapOf(limit: number): Record<string, number> {
  const young = Math.min(MOST_YOUNG, Math.floor(limit * YOUNG_PART));
  return {
    maxYoungGenerationSizeMb: young,
    maxOldGenerationSizeMb: Math.floor(limit - young),
  };
}
