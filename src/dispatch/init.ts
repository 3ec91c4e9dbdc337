// The first message to a worker, and the rings of shared memory that it names.

import { FlowRing } from "../flow/ring.ts";
import type { ThreadSettings } from "../threads/thread.ts";
import { mainModule } from "../values/thread_state.ts";
import { JobRing } from "../wire/job_ring.ts";
import type { InitMessage } from "../wire/protocol.ts";
import type { WorkerSettings } from "./worker.ts";

/** The rings in shared memory between main and one worker, as main sees them. */
export class WorkerRings {
  readonly jobs = new JobRing();
  readonly input = new FlowRing();
  readonly output = new FlowRing();

  /** The rings as the worker sees them, which writes where main reads. */
  get forWorker(): InitMessage["rings"] {
    return {
      jobs: this.jobs.buffer,
      input: this.output.buffer,
      output: this.input.buffer,
    };
  }
}

/** The first message, but for the memory that the worker shares with main. */
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
    // One that can be killed needs no guard, which would take an end for lack
    // of memory for its own; one of the caller's would stop what is not the job's.
    guards: !hardKill && !callerClock,
    hardKill,
    memoryLimit,
    timeOrigin: performance.timeOrigin,
    mainModule: mainModule(),
  };
}
