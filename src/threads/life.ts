// Detects the end of a thread. No event reports `self.close()` or `Deno.exit()`, so
// the thread holds a port, which closes when the thread ends. Unlike waiting for a
// lock, such a port does not keep the process alive.

import { MessageChannel } from "node:worker_threads";

/** A port of `node:worker_threads`, because a web port does not report its end. */
interface EndPort {
  on(type: "message" | "close", listener: () => void): void;
  unref(): void;
  close(): void;
}

/** Detects the end of one thread. */
export class Life {
  /** Port that the thread holds until it ends. */
  readonly token: MessagePort;
  readonly #port: EndPort;
  #hasEnded = false;
  /** Called when the thread has ended. */
  onEnd: (() => void) | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.token = port2 as unknown as MessagePort;
    this.#port = port1 as unknown as EndPort;
    // Only a port with a message listener reports its end.
    this.#port.on("message", () => {});
    this.#port.on("close", () => {
      this.#hasEnded = true;
      this.onEnd?.();
    });
    this.#port.unref();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Stops waiting for the end of the thread. */
  ignore(): void {
    this.onEnd = undefined;
    this.#port.close();
  }
}
