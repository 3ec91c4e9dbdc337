// Hears of errors that nobody has caught, as far as the module's own listeners let it.

import { apply } from "../values/intrinsics.ts";

const { preventDefault, stopImmediatePropagation } = Event.prototype;
const { dispatchEvent } = EventTarget.prototype;
const { ErrorEvent, PromiseRejectionEvent } = globalThis;

/**
 * Hears of errors that nobody caught. Deno would end the thread unless a listener
 * prevents it, so this one, the first, does; and dispatches a copy of the event,
 * which tells whether a listener of the module's prevents it as well.
 */
export function watchErrors(
  global: EventTarget,
  crash: (error: unknown) => void,
): void {
  let copy: Event | undefined;

  function dispatchCopy(event: Event, made: Event, error: unknown): void {
    copy = made;
    const isPrevented = !apply(dispatchEvent, global, [made]);
    apply(stopImmediatePropagation, event, []);
    // Deno calls these later, and ends the thread if there are none.
    if (!isPrevented && isLeftToNode(event)) return;
    apply(preventDefault, event, []);
    if (!isPrevented) crash(error);
  }

  global.addEventListener("error", (event) => {
    if (event === copy) return;
    const { message, filename, lineno, colno, error } = event as ErrorEvent;
    const init = { message, filename, lineno, colno, error, cancelable: true };
    dispatchCopy(event, new ErrorEvent("error", init), error);
  }, { capture: true });
  global.addEventListener("unhandledrejection", (event) => {
    if (event === copy) return;
    const { type, promise, reason } = event as PromiseRejectionEvent;
    const init = { promise, reason, cancelable: true };
    dispatchCopy(event, new PromiseRejectionEvent(type, init), reason);
  }, { capture: true });
}

/** Whether the module listens to a rejection with `process.on()`. */
function isLeftToNode({ type }: Event): boolean {
  const { process } = globalThis as {
    process?: { listenerCount(event: string): number };
  };
  return type === "unhandledrejection" && process !== undefined &&
    process.listenerCount("unhandledRejection") > 0;
}
