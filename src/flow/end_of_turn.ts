// The end of a turn of the event loop, when everything in it is done.

import process from "node:process";

/** As they were before a job could replace them: endings of jobs wait for this. */
const { nextTick } = process;
const microtask = queueMicrotask;

/** Calls back after all microtasks of this turn, and before the next turn. */
export function atEndOfTurn(callback: () => void): void {
  // A tick that is set from a microtask comes after all microtasks.
  microtask(() => nextTick(callback));
}

/** Resolves then. */
export function endOfTurn(): Promise<void> {
  return new Promise(atEndOfTurn);
}
