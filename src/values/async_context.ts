// The async context of this thread, which tells `AsyncLocalStorage` and tracing
// whose code is running. Deno's own functions for it cost 3 ns a job, where
// `AsyncLocalStorage.run()` costs 300; where they are missing, what a handler sets
// by `enterWith()`, and a caller's context, may stay for longer than they should.

import { denoCore } from "./deno_core.ts";

interface Core {
  getAsyncContext(): unknown;
  setAsyncContext(context: unknown): void;
}

const { getAsyncContext, setAsyncContext } = coreOf();

/** The context now. */
export const getContext: () => unknown = getAsyncContext ?? (() => undefined);

/** Changes it, until the turn or the function that awaits has ended. */
export const setContext: (context: unknown) => void = setAsyncContext ??
  (() => {});

/** Calls something outside of any context, so that it neither sees nor keeps its caller's. */
export function callOutside<R>(call: () => R): R {
  const context = getContext();
  setContext(undefined);
  try {
    return call();
  } finally {
    setContext(context);
  }
}

function coreOf(): Partial<Core> {
  const core = denoCore<Core>();
  // One without the other is of no use.
  return core.getAsyncContext && core.setAsyncContext ? core : {};
}
