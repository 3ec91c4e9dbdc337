// What a worker needs of the thread it runs on: the ways to main, turns of the event
// loop, and errors that nobody has caught.

import type { Clock } from "../values/clock.ts";
import { apply, unbind } from "../values/intrinsics.ts";
import type { WorkerLife } from "../values/thread_state.ts";
import type { WorkerBoard } from "../wire/board.ts";
import type { FromWorker, WorkerInit } from "../wire/protocol.ts";

/** Milliseconds that jobs, or what a generator yields, follow each other before messages, timers and I/O get their turn. */
export const TURN = 10;

/** Posts a message to main. */
export type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** The thread, seen from inside. */
export interface OwnThread {
  readonly init: WorkerInit;
  readonly board: WorkerBoard;
  readonly post: Post;
  /** The pool's clock, if this is the caller's own thread. */
  readonly clock?: Clock;
  /** What belongs to the worker, where it has not got the thread to itself. */
  readonly life?: WorkerLife;
  /** Whether posting copies large buffers by itself. */
  readonly copies?: boolean;
  /** Loads what it takes to post what is not plain data. */
  load?(): Promise<void>;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Resolves once timers and I/O have had their turn. */
  pause(): Promise<void>;
  /** Makes sure that turns come after a guard was late. */
  renewTurns?(): void;
  /** An error outside of any job: nothing is certain any more. */
  crash(error: unknown): void;
}

const { prototype } = MessagePort;
const postMessage = unbind(
  prototype.postMessage as (this: MessagePort, message: unknown) => void,
);
const close = unbind(prototype.close as (this: MessagePort) => void);
const Later = Promise;
const { setImmediate } = globalThis;

/** Those who wait for their turn, in order. */
const waiting: (() => void)[] = [];
let port: MessagePort | undefined;
/** Those who wait until timers and I/O have had theirs. */
const paused: (() => void)[] = [];

/**
 * Resolves in a later turn of the event loop: by a message to itself, since the
 * first timer, or immediate, of a thread costs milliseconds.
 */
export function nextTurn(): Promise<void> {
  port ??= openPort();
  return new Later((resolve) => {
    waiting[waiting.length] = resolve;
    // Each by a message of its own: a guard that is late may have stopped the last.
    postMessage(port!, undefined);
  });
}

/**
 * Resolves once timers and I/O have had their turn. Deno does not look at these
 * while messages follow each other, and so not in `nextTurn()`.
 */
export function pause(): Promise<void> {
  return new Later((resolve) => {
    paused[paused.length] = resolve;
    setImmediate(goOn);
  });
}

const goOn = () => resolveAll(paused);

/** Begins anew: a guard that was late may have stopped what comes in a later turn. */
export function renewTurns(): void {
  if (paused.length > 0) setImmediate(goOn);
  if (port === undefined) return;
  close(port);
  port = undefined;
  if (waiting.length > 0) postMessage(port = openPort(), undefined);
}

function openPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => resolveAll(waiting);
  return port1;
}

function resolveAll(resolves: (() => void)[]): void {
  // None is forgotten before it is resolved.
  for (let i = 0; i < resolves.length; i++) resolves[i]();
  resolves.length = 0;
}

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
