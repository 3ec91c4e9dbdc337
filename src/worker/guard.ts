// Stops what takes too long of a handler's synchronous part, which nothing else
// can do in a Web Worker: a script that is run with a timeout is stopped in a
// loop, a regular expression or `Atomics.wait`, cannot catch that, and leaves the
// thread usable.

import { apply, performanceNow } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";
import { STOPPED } from "./ending_sender.ts";

// Deno 2.8 sometimes refuses a `node:` import that a worker adds late.
const { Script } = nodeProcess().getBuiltinModule("node:vm");

/** How the script calls back; it has no other way to. */
const HOOK = "__spindleThreadPoolCall";
const TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";

/**
 * Milliseconds after main, which rejects the job in time: what would end just
 * when it is stopped may be stopped after its end, in the pool's own code.
 */
const LATER = 5;

/**
 * The runtime may stop whatever runs some ms after the script has returned, if that
 * was at its limit. So long nothing else is to run that would be missed.
 */
const LINGER = 10;

type Call = () => unknown;
/** How a call has ended by itself. */
type Outcome = { value: unknown } | { thrown: unknown };

let call: Call | undefined;
let outcome: Outcome | undefined;

Object.defineProperty(globalThis, HOOK, { value: runCall });

const script = new Script(`${HOOK}()`, { filename: "spindle-job" });
const { ceil } = Math;
const { runInThisContext } = script;

function runCall(): void {
  if (call === undefined) return;
  const current = call;
  call = undefined;
  try {
    outcome = { value: current() };
  } catch (thrown) {
    outcome = { thrown };
  }
}

/** Gives what a call returns; throws `STOPPED` if that takes longer than `ms`. */
export function guard(guarded: Call, ms: number): unknown {
  call = guarded;
  outcome = undefined;
  const timeout = ceil(ms) + LATER;
  const start = performanceNow();
  try {
    apply(runInThisContext, script, [{ timeout, displayErrors: false }]);
  } catch (error) {
    if ((error as { code?: unknown }).code !== TIMED_OUT) throw error;
  }
  call = undefined;
  const result = outcome as Outcome | undefined;
  outcome = undefined;
  if (result === undefined) throw STOPPED;
  const end = performanceNow();
  if (end - start >= timeout - 1) {
    while (performanceNow() < end + LINGER);
  }
  if ("thrown" in result) throw result.thrown;
  return result.value;
}
