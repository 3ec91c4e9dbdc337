// Calls back at the end of a turn of the event loop, after everything else in it.

import { microtask } from "../values/intrinsics.ts";
import { nodeProcess } from "../values/node_process.ts";

let nextTick: ((callback: () => void) => void) | undefined;

/** Worker: sets the original `nextTick`, because a job can replace the global one. */
export function keepNextTick(kept: (callback: () => void) => void): void {
  nextTick = kept;
}

/** Calls back after all microtasks of this turn and before the next turn. */
export function atEndOfTurn(callback: () => void): void {
  nextTick ??= nodeProcess().nextTick;
  const tick = nextTick;
  // A tick that a microtask requests comes after all microtasks.
  microtask(() => tick(callback));
}

/** Resolves at the end of this turn. */
export function endOfTurn(): Promise<void> {
  return new Promise(atEndOfTurn);
}
