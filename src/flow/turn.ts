// The end of a turn of the event loop: when all is done that goes on in it.

import process from "node:process";

/** As they were before any job could overwrite them. */
const { nextTick } = process;
const microtask = queueMicrotask;

/** Calls back when all that goes on in this turn is done, and before the next begins. */
export function atEndOfTurn(callback: () => void): void {
  // What is given from a microtask comes after all of them.
  microtask(() => nextTick(callback));
}

/** Resolves then. */
export function endOfTurn(): Promise<void> {
  return new Promise(atEndOfTurn);
}
