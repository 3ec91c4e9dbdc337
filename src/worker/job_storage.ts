// Stores which job the running code belongs to, if a worker has several jobs in
// progress. Deno's `AsyncLocalStorage.run()` puts each store into a weak map, and
// more garbage survives. This storage takes 0.89 of the processor time for a
// request of `Deno.serve` (12 pairs).

import { getContext, setContext } from "../values/async_context.ts";
import { apply } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";
import type { CurrentJob, JobStorage } from "../values/thread_state.ts";

/** Key of the job in an async context. Deno's own keys are numbers. */
const JOB = "@spindle/thread-pool/current-job";

type Context = { [JOB]?: CurrentJob } | undefined;

/** Keeps the job in the async context itself: each `AsyncLocalStorage` copies its entries. */
class ContextStorage implements JobStorage {
  run<Args extends unknown[], R>(
    job: CurrentJob,
    call: (...args: Args) => R,
    ...args: Args
  ): R {
    const context = getContext() as Context;
    setContext({ ...context, [JOB]: job });
    try {
      return apply(call, undefined, args) as R;
    } finally {
      setContext(context);
    }
  }

  getStore(): CurrentJob | undefined {
    return (getContext() as Context)?.[JOB];
  }
}

/** Returns this storage, or Deno's own if Deno keeps contexts in another way. */
export function openJobStorage(): JobStorage {
  const { AsyncLocalStorage } = nodeProcess().getBuiltinModule(
    "node:async_hooks",
  );
  const storage = new ContextStorage();
  const job = {} as CurrentJob;
  const other = new AsyncLocalStorage<number>();
  const found = storage.run(job, () => other.run(1, () => storage.getStore()));
  return found === job ? storage : new AsyncLocalStorage<CurrentJob>();
}
