// What a worker is told at its start of what its pool wants.

import type { ThreadSettings } from "../threads/thread.ts";
import type { InitMessage } from "../wire/protocol.ts";
import type { WorkerSettings } from "./worker.ts";

/** The first message, but for the memory that the worker shares with main. */
export function initOf(
  workerId: number,
  settings: WorkerSettings & Pick<ThreadSettings, "here">,
): Omit<InitMessage, "key" | "slots" | "board" | "rings"> {
  const { module, concurrency, hardKill, memoryLimit, here } = settings;
  return {
    kind: "init",
    workerId,
    module,
    concurrency,
    maxHeap: settings.maxHeapPerWorker,
    data: settings.workerData,
    // One that can be killed needs no guard, which would take an end for lack
    // of memory for its own; one of the caller's would stop what is not the job's.
    guards: !hardKill && !here,
    hardKill,
    memoryLimit,
    timeOrigin: performance.timeOrigin,
  };
}
