// Runs jobs in the caller's own thread. Posted values are cloned or moved as for a
// worker. They arrive in a microtask, so no job starts inside the call that submits
// it, and the order of events is fixed.

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

/** The caller's own thread, in place of a worker's thread. */
export class CallerThread implements Thread {
  readonly holdsToken = false;
  readonly #clock: Clock;
  readonly #events: ThreadEvents;
  #key = "";
  #receiver: Receiver | undefined;
  /** Messages that arrived before the receiver was ready. */
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
    // Jobs may have started: main must check the board.
    this.#tell(WAKE);
  }

  keepProcess(): void {
    // Jobs keep the process alive like any other code in the caller's thread.
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
      // Jobs that run here because the queue is full belong to no worker.
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

  /** Calls a function in a microtask, as if from another thread, unless terminated. */
  #later(act: () => void): void {
    queueMicrotask(() => {
      if (!this.#isEnded) callOutside(act);
    });
  }
}

/** A board that refuses results, so all are posted to main at once and in order. */
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
