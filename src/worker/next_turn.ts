// Lets the event loop of this thread have a turn.

import { unbind } from "../intrinsics.ts";

/** As they were before any job could overwrite them. */
const postMessage = unbind(
  MessagePort.prototype.postMessage as (
    this: MessagePort,
    message: unknown,
  ) => void,
);
const Later = Promise;

/** Those who wait for their turn, in order. */
let waiting: (() => void)[] = [];
let port: MessagePort | undefined;

/**
 * Resolves in a later turn of the event loop: by a message to itself, since the
 * first timer, or immediate, of a thread costs milliseconds.
 */
export function nextTurn(): Promise<void> {
  port ??= openPort();
  return new Later((resolve) => {
    waiting[waiting.length] = resolve;
    // One message is enough for all that wait.
    if (waiting.length === 1) postMessage(port!, undefined);
  });
}

/** A job was stopped so late that the port's own code was stopped: it tells nothing more. */
export function renewTurns(): void {
  port = undefined;
}

function openPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => {
    const resolves = waiting;
    waiting = [];
    for (let i = 0; i < resolves.length; i++) resolves[i]();
  };
  return port1;
}
