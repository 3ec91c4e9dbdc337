// Stops the synchronous part of a handler after its timeout, which nothing else
// can do in a Web Worker. A `node:vm` script with a timeout is stopped even in a
// loop, a regular expression or `Atomics.wait`. It cannot catch that, and the
// thread remains usable.

import { apply, performanceNow } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";
import { STOPPED } from "./ending_sender.ts";

// Deno 2.8 sometimes refuses a `node:` import that a worker adds late.
const { Script } = nodeProcess().getBuiltinModule("node:vm");

/** Name by which the script calls back; it has no other way. */
const HOOK = "__spindleThreadPoolCall";
const TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";

/**
 * Time in ms by which the guard is later than main, which rejects the job on time. A
 * job that ends just at its limit could otherwise be cut off in the pool's own code.
 */
const LATER = 5;

/**
 * If the script returned at its limit, the runtime may stop other code some ms
 * later. For this time in ms, no code runs that would be missed.
 */
const LINGER = 10;

type Call = () => unknown;
/** How a call ended, if it was not stopped. */
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

/** Returns what a call returns. Throws `STOPPED` if the call takes longer than `ms`. */
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
