// Runs a job in the worker that waits for it, beside the job that waits: with no
// worker free, and all of them waiting, nothing would ever go on.

import { JobNotFoundError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { LocalJob } from "../moving/sender_wire.ts";
import type { CurrentJob } from "../values/thread_state.ts";
import type { Calls } from "./calls.ts";
import { HandlerNotFound, type Handlers } from "./handlers.ts";

/** What such a job runs with. */
export interface LocalParts {
  handlers: Handlers;
  calls: Calls;
  link: Link;
  workerId: number;
}

/** Runs one; gives what its handler returns. */
export async function runLocally(
  { handlers, calls, link, workerId }: LocalParts,
  { id, name, source, timeout, args, moved }: LocalJob,
  signal: AbortSignal,
): Promise<unknown> {
  // The job that waits is the current one of its own code only.
  await calls.loadStorage();
  const arrivals = new Arrivals();
  const job: CurrentJob = {
    id,
    name,
    workerId,
    signal,
    deadline: timeout < Infinity ? Date.now() + timeout : undefined,
    // No listener can be given through a sender.
    report() {},
  };
  try {
    if (moved) arrivals.revive(args, moved, link);
    const { call } = handlers.make(name, source);
    arrivals.start();
    const result = await calls.within(job, () => call(...args));
    arrivals.end();
    return result;
  } catch (thrown) {
    arrivals.end({ thrown });
    throw thrown instanceof HandlerNotFound
      ? new JobNotFoundError(thrown.message)
      : thrown;
  }
}
