// Calls handlers: each job is the current one meanwhile, and its synchronous part
// takes no longer than it may.

import { apply } from "../values/intrinsics.ts";
import {
  type CurrentJob,
  currentJobSlot,
  type JobStorage,
} from "../values/thread_state.ts";
import type { ReceivedJob } from "./jobs.ts";

const dateNow = Date.now;

/** How this worker calls handlers. */
export class Calls {
  /** Tells jobs apart that are in progress at once. */
  #storage: JobStorage | undefined;
  /** Loaded late, since few jobs may only execute for so long. */
  #guard: typeof import("./guard.ts") | undefined;
  /** The job that was guarded last, until its ending is told. */
  guarded: ReceivedJob | undefined;

  async loadStorage(): Promise<void> {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    this.#storage = currentJobSlot.storage ??= new AsyncLocalStorage();
  }

  async loadGuard(): Promise<void> {
    this.#guard = await import("./guard.ts");
  }

  get hasGuard(): boolean {
    return this.#guard !== undefined;
  }

  /** Calls a job's handler; throws what it throws, or `STOPPED`. */
  call(job: ReceivedJob): unknown {
    if (job.timeout === Infinity) return this.#call(job);
    job.deadline = dateNow() + job.timeout;
    if (this.#guard === undefined) return this.#call(job);
    this.guarded = job;
    return this.#guard.guard(() => this.#call(job), job.timeout);
  }

  #call(job: ReceivedJob): unknown {
    // Called by itself, a handler has no `this`.
    const { call } = job.handler;
    if (this.#storage) {
      return this.#storage.run(job, apply, call, undefined, job.args);
    }
    currentJobSlot.job = job;
    return apply(call, undefined, job.args);
  }

  /** Calls a handler as a part of another job than the one in progress. */
  callAs(
    job: CurrentJob,
    call: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    return this.#storage!.run(job, call, ...args);
  }

  /** No job is the current one any more. */
  ended(): void {
    currentJobSlot.job = undefined;
  }
}
