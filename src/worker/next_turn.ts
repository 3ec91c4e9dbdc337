// Lets the event loop of this thread have a turn.

import { unbind } from "../values/intrinsics.ts";

/** As they were before any job could overwrite them. */
const postMessage = unbind(
  MessagePort.prototype.postMessage as (
    this: MessagePort,
    message: unknown,
  ) => void,
);
const close = unbind(
  MessagePort.prototype.close as (this: MessagePort) => void,
);
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
