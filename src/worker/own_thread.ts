// What a worker needs of the thread it runs on: what main has told it, its ways to
// main, and the event loop.

import { unbind } from "../values/intrinsics.ts";
import type { WorkerBoard } from "../wire/board.ts";
import type { FromWorker, WorkerInit } from "../wire/protocol.ts";

/** Posts a message to main. */
export type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** The thread, seen from inside. */
export interface OwnThread {
  readonly init: WorkerInit;
  readonly board: WorkerBoard;
  readonly post: Post;
  /** Whether posting copies large buffers by itself. */
  readonly copies?: boolean;
  /** Loads what it takes to post what is not plain data. */
  load?(): Promise<void>;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
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

/** Those who wait for their turn, in order. */
const waiting: (() => void)[] = [];
let port: MessagePort | undefined;

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

/** Begins anew: a guard that was late may have stopped what receives messages. */
export function renewTurns(): void {
  if (port === undefined) return;
  close(port);
  port = undefined;
  if (waiting.length > 0) postMessage(port = openPort(), undefined);
}

function openPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => {
    // None is forgotten before it is resolved.
    for (let i = 0; i < waiting.length; i++) waiting[i]();
    waiting.length = 0;
  };
  return port1;
}
