// The end of a turn of the event loop, when everything in it is done.

import { nodeProcess } from "../values/node_process.ts";

const microtask = queueMicrotask;
let nextTick: ((callback: () => void) => void) | undefined;

/** A worker: keeps it as it is before a job can replace it. */
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
