// Reads and changes the thread's async context, which tells `AsyncLocalStorage` and
// tracing whose code is running. Deno's own functions take 3 ns per job;
// `AsyncLocalStorage.run()` takes 300. Without these functions, a caller's context,
// and what a handler sets with `enterWith()`, can stay longer than they should.

import { denoCore } from "./deno_core.ts";

interface Core {
  getAsyncContext(): unknown;
  setAsyncContext(context: unknown): void;
}

const { getAsyncContext, setAsyncContext } = coreOf();

/** Returns the current context. */
export const getContext: () => unknown = getAsyncContext ?? (() => undefined);

/** Changes the context until the turn, or the async function that calls it, ends. */
export const setContext: (context: unknown) => void = setAsyncContext ??
  (() => {});

/** Calls a function that neither sees nor retains the context of its caller. */
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
  // One function without the other is useless.
  return core.getAsyncContext && core.setAsyncContext ? core : {};
}
