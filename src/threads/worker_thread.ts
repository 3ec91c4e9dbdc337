// Controls one thread from main: starts it, and detects that it is ready or has ended.

import { clearTimeout, setTimeout } from "node:timers";
import {
  type FromWorker,
  type InitMessage,
  type PostedFromWorker,
  type PostedToWorker,
  type ToWorker,
  WAKE,
} from "../wire/protocol.ts";
import { transferablesIn } from "../values/movable.ts";
import { unpackError } from "../values/unpack_error.ts";
import { canHardKill } from "./hard_kill.ts";
import { Life } from "./life.ts";
import type { OpenThread, Thread, ThreadSettings } from "./thread.ts";

/** Events that a worker's thread reports. */
export interface WorkerThreadEvents {
  /** The thread has imported the module. */
  ready(): void;
  /** The thread has sent a message that is not about its own state. */
  message(message: FromWorker): void;
  /** Code other than the pool's has posted a message in the thread. */
  forged(): void;
  /** The thread has failed, or has ended by itself; no event follows. */
  died(cause: unknown): void;
}

/** Error message for a thread that ends without reporting an error. */
const EXITED = "The worker exited: self.close() or Deno.exit()";
/** Time in ms after the end of a thread within which its last messages arrive. */
const LAST_WORDS = 10;
/** Time in ms within which Deno reports why a thread could not start. */
const WHY_NOT_STARTED = 100;

/** The thread of a worker, from its start to its end. */
export class WorkerThread {
  isReady = false;
  /** Key that messages from and to the thread begin with; jobs do not know it. */
  readonly #key: string = crypto.randomUUID();
  readonly #isKillable: Promise<boolean> | undefined;
  readonly #thread: Thread;
  readonly #events: WorkerThreadEvents;
  /** Whether the thread has read its first message, or has failed. */
  #hasBegun = false;
  #isStopped = false;
  #dying: ReturnType<typeof setTimeout> | undefined;
  #life: Life | undefined;

  constructor(
    open: OpenThread,
    settings: ThreadSettings,
    events: WorkerThreadEvents,
  ) {
    this.#events = events;
    this.#thread = open(settings, {
      message: (data) => {
        this.#begin();
        this.#receive(data as PostedFromWorker);
      },
      failed: (cause) => {
        this.#begin();
        this.#dieSoon(cause, 0);
      },
    });
    if (settings.hardKill) this.#isKillable = canHardKill();
  }

  /** Sends the first message, which contains the key. */
  init(message: Omit<InitMessage, "key">): void {
    this.#thread.post({ ...message, key: this.#key } satisfies InitMessage);
    if (!this.#thread.holdsToken) return;
    // Created after the post, while the thread starts.
    const life = this.#life = new Life();
    life.onEnd = () => {
      if (this.#dying) return;
      const ms = this.isReady ? LAST_WORDS : WHY_NOT_STARTED;
      this.#dieSoon(new Error(EXITED), ms);
    };
    this.post({ kind: "hold", token: life.token }, [life.token]);
  }

  /** Sends a message; throws as `postMessage` does. */
  post(message: Exclude<ToWorker, InitMessage>, moves?: Transferable[]): void {
    const posted: PostedToWorker = message === WAKE
      ? WAKE
      : [this.#key, message];
    this.#thread.post(posted, moves);
  }

  /** Sets whether the thread keeps the process alive. */
  keepProcess(keeps: boolean): void {
    if (!this.#isStopped) this.#thread.keepProcess(keeps);
  }

  /**
   * Terminates the thread once it has read its first message, and reports no further
   * events. Returns the thread's life, if it holds a token.
   */
  stop(): Life | undefined {
    this.#isStopped = true;
    clearTimeout(this.#dying);
    // Deno never frees the shared memory of an unread message, here 0.3 MiB.
    if (this.#hasBegun || !this.#thread.holdsToken) this.#thread.terminate();
    else this.#thread.keepProcess(false);
    return this.#life;
  }

  /** Notes that the thread has read its first message, or never will. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (this.#isStopped) this.#thread.terminate();
  }

  async #becomeReady(): Promise<void> {
    if (this.#isKillable && !await this.#isKillable) {
      return this.#die(
        new Error(
          "Option `hardKill` does not work here: this Deno cannot stop the loop of a thread",
        ),
      );
    }
    if (this.#isStopped) return;
    this.isReady = true;
    this.#events.ready();
  }

  #receive(posted: PostedFromWorker): void {
    if (this.#isStopped) return;
    if (posted === WAKE) return this.#events.message(posted);
    if (!Array.isArray(posted) || posted[0] !== this.#key) {
      closePorts(posted);
      return this.#events.forged();
    }
    const message = posted[1];
    if (Array.isArray(message)) return this.#events.message(message);
    switch (message.kind) {
      case "begun":
        break;
      case "ready":
        this.#becomeReady();
        break;
      case "failed":
      case "crashed":
        this.#die(unpackError(message.error));
        break;
      default:
        this.#events.message(message);
    }
  }

  /** Reports the end later, because the thread's last messages can still arrive. */
  #dieSoon(cause: unknown, ms: number): void {
    if (this.#isStopped) return;
    // The actual cause can arrive after the end; it replaces the earlier error.
    clearTimeout(this.#dying);
    this.#dying = setTimeout(() => this.#die(cause), ms);
  }

  #die(cause: unknown): void {
    if (!this.#isStopped) this.#events.died(cause);
  }
}

/** Closes the ports in a forged message, because no other code closes them. */
function closePorts(message: unknown): void {
  for (const moved of transferablesIn(message)) {
    if (moved instanceof MessagePort) moved.close();
  }
}
