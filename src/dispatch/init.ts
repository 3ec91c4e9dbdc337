// Builds the first message to a worker, with its rings in shared memory.

import { FlowRing } from "../flow/ring.ts";
import type { ThreadSettings } from "../threads/thread.ts";
import { mainModule } from "../values/thread_state.ts";
import { JobRing } from "../wire/job_ring.ts";
import type { InitMessage } from "../wire/protocol.ts";
import type { WorkerSettings } from "./worker.ts";

/** Rings in shared memory between main and one worker, as main sees them. */
export class WorkerRings {
  readonly jobs = new JobRing();
  readonly input = new FlowRing();
  readonly output = new FlowRing();

  /** The rings as the worker sees them: it writes where main reads. */
  get forWorker(): InitMessage["rings"] {
    return {
      jobs: this.jobs.buffer,
      input: this.output.buffer,
      output: this.input.buffer,
    };
  }
}

/** Builds the first message, without the memory shared with main. */
export function initOf(
  workerId: number,
  settings: WorkerSettings & Pick<ThreadSettings, "callerClock">,
): Omit<InitMessage, "key" | "slots" | "board" | "rings"> {
  const { module, concurrency, hardKill, memoryLimit, callerClock } = settings;
  return {
    kind: "init",
    workerId,
    module,
    concurrency,
    maxHeap: settings.maxHeapPerWorker,
    data: settings.workerData,
    // A killable worker needs no guard, which would mistake running out of memory
    // for a timeout. On the caller's thread, a guard would stop other code.
    guards: !hardKill && !callerClock,
    hardKill,
    memoryLimit,
    timeOrigin: performance.timeOrigin,
    mainModule: mainModule(),
  };
}
