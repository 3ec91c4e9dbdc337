// Calls handlers: makes each job the current job, and limits the time of its
// synchronous part.

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

/** The way in which this worker calls handlers. */
export class Calls {
  /** The pool's clock, if this is the caller's own thread. */
  readonly #now: (() => number) | undefined;
  /** Distinguishes jobs that are in progress at once. */
  #storage: JobStorage | undefined;
  /** Loaded late, because few jobs have a timeout. */
  #guard: typeof import("./guard.ts") | undefined;
  /** Last job that was guarded, until its ending is sent. */
  guarded: ReceivedJob | undefined;

  constructor(now: (() => number) | undefined) {
    this.#now = now;
  }

  /** Loads the storage that distinguishes jobs that are in progress at once. */
  async loadStorage(): Promise<void> {
    if (this.#storage !== undefined) return;
    const { openJobStorage } = await import("./job_storage.ts");
    // Another copy of the package may have created the storage.
    this.#storage = currentJobSlot.storage ??= openJobStorage();
  }

  get hasStorage(): boolean {
    return this.#storage !== undefined;
  }

  /** Loads the guard, which stops jobs that exceed their timeout. */
  async loadGuard(): Promise<void> {
    this.#guard = await import("./guard.ts");
  }

  get hasGuard(): boolean {
    return this.#guard !== undefined;
  }

  /** Calls a job's handler. Throws what the handler throws, or `STOPPED`. */
  call(job: ReceivedJob): unknown {
    if (job.timeout === Infinity) return this.#call(job);
    if (this.#now) return this.#callHere(job, this.#now);
    job.deadline = dateNow() + job.timeout;
    if (this.#guard === undefined) return this.#call(job);
    this.guarded = job;
    return this.#guard.guard(() => this.#call(job), job.timeout);
  }

  /** Nothing can stop the caller's own thread, so a timeout is detected after the call. */
  #callHere(job: ReceivedJob, now: () => number): unknown {
    const deadline = job.deadline = now() + job.timeout;
    const result = this.#call(job);
    // Main checks the timeout of asynchronous jobs.
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
    // Called on its own, so a handler has no `this`.
    const { call } = job.handler;
    if (this.#storage) {
      return this.#storage.run(job, apply, call, undefined, job.args);
    }
    currentJobSlot.job = job;
    const context = getContext();
    try {
      return apply(call, undefined, job.args);
    } finally {
      // The handler may have entered another context: the next job must not get it.
      setContext(context);
    }
  }

  /** Runs a function as a part of a job, if this worker distinguishes jobs. */
  within<R>(job: CurrentJob, act: () => R): R {
    return this.#storage ? this.#storage.run(job, act) : act();
  }

  /** Clears the current job, if it is this job. */
  ended(job: ReceivedJob): void {
    if (currentJobSlot.job === job) currentJobSlot.job = undefined;
  }
}
