// The end of a turn of the event loop, when everything in it is done.

import { microtask } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";

let nextTick: ((callback: () => void) => void) | undefined;

/** A worker: uses this one, and not what a job may have put in its place. */
export function keepNextTick(kept: (callback: () => void) => void): void {
  nextTick = kept;
}

/** Calls back after all microtasks of this turn, and before the next turn. */
export function atEndOfTurn(callback: () => void): void {
  nextTick ??= nodeProcess().nextTick;
  const tick = nextTick;
  // A tick that is set from a microtask comes after all microtasks.
  microtask(() => tick(callback));
}

/** Resolves then. */
export function endOfTurn(): Promise<void> {
  return new Promise(atEndOfTurn);
}
