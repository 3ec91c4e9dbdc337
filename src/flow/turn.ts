// The end of a turn of the event loop: when all is done that goes on in it.

type NextTick = (callback: () => void) => void;

const scope = globalThis as { process?: { nextTick: NextTick } };
/** As it was before any job could overwrite it. */
const microtask = queueMicrotask;
/** Got late: the first look at `process` costs a thread more than ten ms. */
let nextTick: NextTick | undefined;

/** Calls back when all that goes on in this turn is done, and before the next begins. */
export function atEndOfTurn(callback: () => void): void {
  // What is given from a microtask comes after all of them.
  microtask(() => (nextTick ??= scope.process!.nextTick)(callback));
}

/** Resolves then. */
export function endOfTurn(): Promise<void> {
  return new Promise(atEndOfTurn);
}
