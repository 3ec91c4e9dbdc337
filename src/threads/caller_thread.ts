// The caller's own thread in the place of a worker's: what is posted is cloned, or
// moves, but does not leave.

import { setImmediate } from "node:timers";
import { Board, WAKE } from "../wire/board.ts";
import type {
  FromWorker,
  InitMessage,
  PostedToWorker,
} from "../wire/protocol.ts";
import type { LaterMessage, Receiver } from "../worker/receiver.ts";
import type { Thread, ThreadEvents } from "./thread.ts";

/** Executes jobs where the pool is. */
export class CallerThread implements Thread {
  readonly holdsToken = false;
  readonly #events: ThreadEvents;
  #key = "";
  #receiver: Receiver | undefined;
  /** What came before the receiver was there. */
  readonly #early: LaterMessage[] = [];
  #isEnded = false;

  constructor(events: ThreadEvents) {
    this.#events = events;
  }

  post(message: unknown, moves: Transferable[] = []): void {
    const posted: PostedToWorker = structuredClone(message as PostedToWorker, {
      transfer: moves,
    });
    if (posted !== WAKE && !Array.isArray(posted)) this.#start(posted);
    else this.#receive(posted === WAKE ? WAKE : posted[1]);
  }

  #receive(message: LaterMessage): void {
    if (this.#receiver) this.#receiver.receive(message);
    else this.#early.push(message);
  }

  keepProcess(): void {
    // The caller's own jobs keep it as anything else there does.
  }

  terminate(): void {
    this.#isEnded = true;
    this.#receiver = undefined;
  }

  async #start(init: InitMessage): Promise<void> {
    this.#key = init.key;
    const post = (message: FromWorker, moves?: Transferable[]) => {
      this.#tell(message, moves);
    };
    try {
      const { openReceiver } = await import("../worker/receiver.ts");
      const crash = (error: unknown) => this.#events.failed(error);
      const board = new Board(init.slots, init.board);
      const thread = { init, board, post, nextTurn, crash };
      const receiver = await openReceiver(thread);
      if (!this.#isEnded) this.#receiver = receiver;
    } catch (error) {
      return this.#events.failed(error);
    }
    post({ kind: "ready" });
    for (const message of this.#early) this.#receiver?.receive(message);
  }

  #tell(message: FromWorker, moves: Transferable[] = []): void {
    const sent = structuredClone(message, { transfer: moves });
    // What hears of it may post something itself.
    queueMicrotask(() => {
      if (this.#isEnded) return;
      this.#events.message(sent === WAKE ? WAKE : [this.#key, sent]);
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
