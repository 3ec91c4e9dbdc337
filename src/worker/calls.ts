// Calls handlers: each job is the current one meanwhile, and its synchronous part
// takes no longer than it may.

import { getContext, setContext } from "../values/async_context.ts";
import { apply } from "../values/intrinsics.ts";
import "../values/node_process.ts"; // kept before a job can replace it
import {
  type CurrentJob,
  currentJobSlot,
  type JobStorage,
} from "../values/thread_state.ts";
import { callTraced } from "../values/trace.ts";
import { STOPPED } from "./ending_sender.ts";
import type { ReceivedJob } from "./jobs.ts";
import { isThenable } from "../values/thenable.ts";

const dateNow = Date.now;

/** How this worker calls handlers. */
export class Calls {
  /** The clock of the caller's own thread, if this is it. */
  readonly #now: (() => number) | undefined;
  /** Tells jobs apart that are in progress at once. */
  #storage: JobStorage | undefined;
  /** Loaded late, since few jobs may only execute for so long. */
  #guard: typeof import("./guard.ts") | undefined;
  /** The job that was guarded last, until its ending is told. */
  guarded: ReceivedJob | undefined;

  constructor(now: (() => number) | undefined) {
    this.#now = now;
  }

  /** Loads what tells jobs apart that are in progress at once. */
  async loadStorage(): Promise<void> {
    if (this.#storage !== undefined) return;
    const { openJobStorage } = await import("./job_storage.ts");
    // Another copy of the package may have been there first.
    this.#storage = currentJobSlot.storage ??= openJobStorage();
  }

  get hasStorage(): boolean {
    return this.#storage !== undefined;
  }

  /** Loads what stops jobs whose time is over. */
  async loadGuard(): Promise<void> {
    this.#guard = await import("./guard.ts");
  }

  get hasGuard(): boolean {
    return this.#guard !== undefined;
  }

  /** Calls a job's handler; throws what it throws, or `STOPPED`. */
  call(job: ReceivedJob): unknown {
    if (job.timeout === Infinity) return this.#call(job);
    if (this.#now) return this.#callHere(job, this.#now);
    job.deadline = dateNow() + job.timeout;
    if (this.#guard === undefined) return this.#call(job);
    this.guarded = job;
    return this.#guard.guard(() => this.#call(job), job.timeout);
  }

  /** Nothing stops the caller's own thread: a job that took too long is found then. */
  #callHere(job: ReceivedJob, now: () => number): unknown {
    const deadline = job.deadline = now() + job.timeout;
    const result = this.#call(job);
    // Main watches what goes on.
    if (now() > deadline && !isThenable(result)) throw STOPPED;
    return result;
  }

  #call(job: ReceivedJob): unknown {
    const { trace } = job;
    return trace === undefined
      ? this.#callHandler(job)
      : callTraced(trace, () => this.#callHandler(job));
  }

  #callHandler(job: ReceivedJob): unknown {
    // Called by itself, a handler has no `this`.
    const { call } = job.handler;
    if (this.#storage) {
      return this.#storage.run(job, apply, call, undefined, job.args);
    }
    currentJobSlot.job = job;
    const context = getContext();
    try {
      return apply(call, undefined, job.args);
    } finally {
      // It may have entered another one, which is not the next job's.
      setContext(context);
    }
  }

  /** Does something as a part of a job, where jobs are told apart. */
  within<R>(job: CurrentJob, act: () => R): R {
    return this.#storage ? this.#storage.run(job, act) : act();
  }

  /** A job is the current one no longer. */
  ended(job: ReceivedJob): void {
    if (currentJobSlot.job === job) currentJobSlot.job = undefined;
  }
}
