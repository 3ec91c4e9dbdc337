// How main sees that a thread has ended, which no event tells of one that ends by
// `self.close()` or `Deno.exit()`: the thread holds a port, which closes with it.
// Such a port, unlike a wait for a lock, does not keep the process from ending.

import { MessageChannel } from "node:worker_threads";

/** The part of a port of `node:worker_threads` that is used here; the web's own tells of no end. */
interface EndPort {
  on(type: "message" | "close", listener: () => void): void;
  unref(): void;
  close(): void;
}

/** The life of one thread. */
export class Life {
  /** What the thread is to hold for as long as it lives. */
  readonly token: MessagePort;
  readonly #port: EndPort;
  #hasEnded = false;
  /** Hears that the thread has ended. */
  onEnd: (() => void) | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.token = port2 as unknown as MessagePort;
    this.#port = port1 as unknown as EndPort;
    // Only a port that is listened to tells of its end.
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

  /** Its end is of no interest any more. */
  ignore(): void {
    this.onEnd = undefined;
    this.#port.close();
  }
}
