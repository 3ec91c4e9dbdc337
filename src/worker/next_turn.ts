// Lets the event loop of this thread have a turn.

/** Those who wait for their turn, in order. */
const waiting: (() => void)[] = [];
let port: MessagePort | undefined;

/**
 * Resolves in a later turn of the event loop: by a message to itself, since the
 * first timer, or immediate, of a thread costs milliseconds.
 */
export function nextTurn(): Promise<void> {
  port ??= openPort();
  port.postMessage(undefined);
  return new Promise((resolve) => waiting.push(resolve));
}

function openPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => waiting.shift()?.();
  return port1;
}
