// The caller's own thread in the place of a worker's: what is posted is cloned, or
// moves, but does not leave. It arrives in a microtask, so that no job starts inside
// of the call that submits it, and what follows does so in a fixed order.

import { setImmediate } from "node:timers";
import { callOutside } from "../values/async_context.ts";
import type { Clock } from "../values/clock.ts";
import { Board } from "../wire/board.ts";
import {
  type FromWorker,
  type InitMessage,
  type PostedToWorker,
  WAKE,
} from "../wire/protocol.ts";
import type { OwnThread } from "../worker/own_thread.ts";
import type { LaterMessage, Receiver } from "../worker/receiver.ts";
import type { Thread, ThreadEvents } from "./thread.ts";

/** Executes jobs where the pool is. */
export class CallerThread implements Thread {
  readonly holdsToken = false;
  readonly #clock: Clock;
  readonly #events: ThreadEvents;
  #key = "";
  #receiver: Receiver | undefined;
  /** What came before the receiver was there. */
  readonly #early: LaterMessage[] = [];
  #isEnded = false;

  constructor(clock: Clock, events: ThreadEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  post(message: unknown, moves: Transferable[] = []): void {
    const posted: PostedToWorker = structuredClone(message as PostedToWorker, {
      transfer: moves,
    });
    this.#later(() => {
      if (posted !== WAKE && !Array.isArray(posted)) this.#start(posted);
      else this.#receive(posted === WAKE ? WAKE : posted[1]);
    });
  }

  #receive(message: LaterMessage): void {
    if (this.#receiver === undefined) return void this.#early.push(message);
    this.#receiver.receive(message);
    // Jobs may have started, which main sees on the board.
    this.#tell(WAKE);
  }

  keepProcess(): void {
    // The caller's own jobs keep it as anything else there does.
  }

  terminate(): void {
    this.#isEnded = true;
    this.#receiver?.abandon();
    this.#receiver = undefined;
  }

  async #start(init: InitMessage): Promise<void> {
    this.#key = init.key;
    try {
      const { openReceiver, lifeOf } = await import("../worker/receiver.ts");
      const own = this.#own(init);
      // What finds the queue full belongs to no worker.
      const life = init.workerId > 0 ? lifeOf(own) : undefined;
      const receiver = await openReceiver({ ...own, life });
      if (this.#isEnded) return;
      this.#receiver = receiver;
    } catch (error) {
      return this.#events.failed(error);
    }
    this.#tell({ kind: "ready" });
    for (const message of this.#early.splice(0)) this.#receive(message);
  }

  #own(init: InitMessage): OwnThread {
    return {
      init,
      clock: this.#clock,
      board: new PostingBoard(init.slots, init.board),
      copies: true,
      post: (message, moves) => this.#tell(message, moves),
      nextTurn,
      pause: nextTurn,
      crash: (error) => this.#events.failed(error),
    };
  }

  #tell(message: FromWorker, moves: Transferable[] = []): void {
    const sent = structuredClone(message, { transfer: moves });
    this.#later(() => {
      this.#events.message(sent === WAKE ? WAKE : [this.#key, sent]);
    });
  }

  /** Does something soon, unless it has ended by then: as if another thread had called. */
  #later(act: () => void): void {
    queueMicrotask(() => {
      if (!this.#isEnded) callOutside(act);
    });
  }
}

/** All results are posted, so that main hears of them in their order, at once. */
class PostingBoard extends Board {
  override settle(): boolean {
    return false;
  }

  override settleResponse(): boolean {
    return false;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
