// The worker's interface to its thread: how to post to main, turns of the event
// loop, and uncaught errors.

import type { Clock } from "../values/clock.ts";
import { apply, unbind } from "../values/intrinsics.ts";
import type { WorkerLife } from "../values/thread_state.ts";
import type { WorkerBoard } from "../wire/board.ts";
import type { FromWorker, WorkerInit } from "../wire/protocol.ts";

/** Time in ms that jobs or yielded values follow each other before messages, timers and I/O get a turn. */
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
  /** State of the worker, if the worker shares its thread. */
  readonly life?: WorkerLife;
  /** Whether posting itself copies large buffers. */
  readonly copies?: boolean;
  /** Loads the code that posts values other than plain data. */
  load?(): Promise<void>;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Resolves once timers and I/O have had their turn. */
  pause(): Promise<void>;
  /** Requests the waiting turns again after a late guard. */
  renewTurns?(): void;
  /** Reports an error outside of any job, after which the thread cannot be trusted. */
  crash(error: unknown): void;
}

const { prototype } = MessagePort;
const postMessage = unbind(
  prototype.postMessage as (this: MessagePort, message: unknown) => void,
);
const close = unbind(prototype.close as (this: MessagePort) => void);
const Later = Promise;

/** Kept before a job can replace it. Reading it loads `node:timers`, which takes 4 ms. */
const immediate = Object.getOwnPropertyDescriptor(globalThis, "setImmediate");
let setImmediate: typeof globalThis.setImmediate | undefined;

/** Callbacks that wait for their turn, in order. */
const waiting: (() => void)[] = [];
let port: MessagePort | undefined;
/** Callbacks that wait until timers and I/O have had their turn. */
const paused: (() => void)[] = [];

/**
 * Resolves in a later turn of the event loop. This thread posts a message to
 * itself, because the first timer or immediate of a thread costs milliseconds.
 */
export function nextTurn(): Promise<void> {
  port ??= openPort();
  return new Later((resolve) => {
    waiting[waiting.length] = resolve;
    // One message per call: a late guard may have cut off the last one.
    postMessage(port!, undefined);
  });
}

/**
 * Resolves once timers and I/O have had their turn. Deno does not check these while
 * messages follow each other, so `nextTurn()` is not enough.
 */
export function pause(): Promise<void> {
  try {
    setImmediate ??= immediate?.get
      ? apply(immediate.get as () => typeof setImmediate, globalThis, [])
      : immediate?.value as typeof setImmediate;
  } catch {
    // A job has destroyed what loading takes.
  }
  if (setImmediate === undefined) return nextTurn();
  return new Later((resolve) => {
    paused[paused.length] = resolve;
    setImmediate!(goOn);
  });
}

const goOn = () => resolveAll(paused);

/** Requests the waiting turns again, because a late guard may have cut them off. */
export function renewTurns(): void {
  if (paused.length > 0) setImmediate!(goOn);
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
  // So no callback is removed before it is called.
  for (let i = 0; i < resolves.length; i++) resolves[i]();
  resolves.length = 0;
}

const { preventDefault, stopImmediatePropagation } = Event.prototype;
const { dispatchEvent } = EventTarget.prototype;
const { ErrorEvent, PromiseRejectionEvent } = globalThis;

/**
 * Handles uncaught errors. Deno would end the thread unless a listener prevents it,
 * so this listener, the first, prevents it. It dispatches a copy of the event to
 * find out whether a listener of the module prevents the event as well.
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
    // Deno calls these listeners later, and ends the thread without any.
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

/** Returns whether the module listens to a rejection with `process.on()`. */
function isLeftToNode({ type }: Event): boolean {
  const { process } = globalThis as {
    process?: { listenerCount(event: string): number };
  };
  return type === "unhandledrejection" && process !== undefined &&
    process.listenerCount("unhandledRejection") > 0;
}
