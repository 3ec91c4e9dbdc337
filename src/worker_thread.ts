// One thread as main sees it: how it starts, and how it is known to have ended.

import { WAKE } from "./board.ts";
import { unpackError } from "./error_codec.ts";
import { endOfLife } from "./liveness.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** What a thread tells of itself. */
export interface ThreadEvents {
  /** It has imported the module. */
  ready(): void;
  /** It says something that is not about itself. */
  message(message: FromWorker): void;
  /** It has ended, unasked; nothing follows. */
  died(cause: unknown): void;
}

/**
 * Never called. That the entry is named in an import puts it into the module
 * graph, so that it is checked, cached and published with the package.
 */
export const importEntry = (): Promise<unknown> => import("./worker/main.ts");

/** A Web Worker that is watched from its start to its end. */
export class WorkerThread {
  isReady = false;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #stopped = new AbortController();

  constructor(name: string, events: ThreadEvents) {
    this.#events = events;
    this.#worker = new Worker(new URL("./worker/main.ts", import.meta.url), {
      type: "module",
      name,
    });
    this.#worker.addEventListener("message", (event) => {
      this.#receive(event.data);
    });
    this.#worker.addEventListener("error", (event) => {
      // Unprevented, an error of a worker ends the whole process.
      event.preventDefault();
      this.#die(new Error(event.message));
    });
    this.#worker.addEventListener("messageerror", (event) => {
      this.#die(
        new Error("A message could not be read", { cause: event.data }),
      );
    });
  }

  /** Sends a message; throws as `postMessage` does. */
  post(message: ToWorker, moves?: Transferable[]): void {
    // Without a second argument Deno has a faster way.
    if (moves === undefined) this.#worker.postMessage(message);
    else this.#worker.postMessage(message, moves);
  }

  /** Ends the thread; it says nothing more. */
  stop(): void {
    this.#stopped.abort();
    this.#worker.terminate();
  }

  #receive(message: FromWorker): void {
    if (this.#stopped.signal.aborted) return;
    if (message === WAKE || Array.isArray(message)) {
      return this.#events.message(message);
    }
    switch (message.kind) {
      case "alive":
        this.#watch(message.life);
        break;
      case "ready":
        this.isReady = true;
        this.#events.ready();
        break;
      case "failed":
      case "crashed":
        this.#die(unpackError(message.error));
        break;
      default:
        this.#events.message(message);
    }
  }

  async #watch(life: string): Promise<void> {
    await endOfLife(life, this.#stopped.signal);
    // What the thread has posted before its end is still on its way.
    setTimeout(() => {
      this.#die(new Error("The worker exited: self.close() or Deno.exit()"));
    });
  }

  #die(cause: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.stop();
    this.#events.died(cause);
  }
}
