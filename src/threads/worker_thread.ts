// One thread as main sees it: how it starts, and how it is known to have ended.

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

/** What a worker's thread tells of itself. */
export interface WorkerThreadEvents {
  /** It has imported the module. */
  ready(): void;
  /** It says something that is not about itself. */
  message(message: FromWorker): void;
  /** Something that is not of the pool's code has posted a message there. */
  forged(): void;
  /** It has ended, unasked; nothing follows. */
  died(cause: unknown): void;
}

/** What is known of a thread that ends without a word. */
const EXITED = "The worker exited: self.close() or Deno.exit()";
/** Milliseconds after the end of a thread within which what it has posted arrives. */
const LAST_WORDS = 10;
/** Milliseconds within which comes what Deno says of one that could not start. */
const WHY_NOT_STARTED = 100;

/** A thread that is watched from its start to its end. */
export class WorkerThread {
  isReady = false;
  /** What messages from and to it begin with; no job knows it. */
  readonly #key: string = crypto.randomUUID();
  readonly #isKillable: Promise<boolean> | undefined;
  readonly #thread: Thread;
  readonly #events: WorkerThreadEvents;
  /** Whether it has read its first message. */
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

  /** Sends the first message; it tells the key. */
  init(message: Omit<InitMessage, "key">): void {
    this.#thread.post({ ...message, key: this.#key } satisfies InitMessage);
    if (!this.#thread.holdsToken) return;
    // The thread starts meanwhile.
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

  /** Whether the thread keeps the process from ending. */
  keepProcess(keeps: boolean): void {
    if (!this.#isStopped) this.#thread.keepProcess(keeps);
  }

  /**
   * Ends the thread, once it has begun; it says nothing more. Gives its life, if that
   * can be seen.
   */
  stop(): Life | undefined {
    this.#isStopped = true;
    clearTimeout(this.#dying);
    // Deno never frees shared memory in a message that nobody has read: 0.3 MiB.
    if (this.#hasBegun || !this.#thread.holdsToken) this.#thread.terminate();
    else this.#thread.keepProcess(false);
    return this.#life;
  }

  /** It has read its first message, or never will. */
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

  /** What the thread has posted before its end is still on its way. */
  #dieSoon(cause: unknown, ms: number): void {
    if (this.#isStopped) return;
    // What has ended it may be heard of after its end.
    clearTimeout(this.#dying);
    this.#dying = setTimeout(() => this.#die(cause), ms);
  }

  #die(cause: unknown): void {
    if (!this.#isStopped) this.#events.died(cause);
  }
}

/** Nobody else would close the ports that have come with a message of a job's. */
function closePorts(message: unknown): void {
  for (const moved of transferablesIn(message)) {
    if (moved instanceof MessagePort) moved.close();
  }
}
