// One thread as main sees it: how it starts, and how it is known to have ended.

import { WAKE } from "../board.ts";
import { transferablesIn } from "../cloneable.ts";
import { unpackError } from "../error_codec.ts";
import type {
  FromWorker,
  InitMessage,
  PostedFromWorker,
  PostedToWorker,
  ToWorker,
} from "../protocol.ts";
import { canHardKill } from "./hard_kill.ts";
import { endOfLife } from "./liveness.ts";
import { openThread } from "./open_thread.ts";
import type { Thread, ThreadSettings } from "./thread.ts";

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

/** What a thread has posted arrives so many ms after its end has been seen. */
const LAST_WORDS = 10;

/** A thread that has not ended so many ms after it was told to is lost. */
const LOST_AFTER = 500;

/** A thread that is watched from its start to its end. */
export class WorkerThread {
  isReady = false;
  /** What messages from and to it begin with; no job knows it. */
  readonly #key: string = crypto.randomUUID();
  readonly #isKillable: Promise<boolean> | undefined;
  readonly #thread: Thread;
  readonly #events: WorkerThreadEvents;
  readonly #watch = new AbortController();
  #isStopped = false;
  #dying: ReturnType<typeof setTimeout> | undefined;
  /** Resolves when it has ended, from when it is known how to see that. */
  #life: Promise<void> | undefined;

  constructor(settings: ThreadSettings, events: WorkerThreadEvents) {
    this.#events = events;
    this.#thread = openThread(settings, {
      message: (data) => this.#receive(data as PostedFromWorker),
      failed: (cause) => this.#dieSoon(cause, 0),
    });
    if (settings.hardKill) this.#isKillable = canHardKill();
  }

  /** Sends the first message; it tells the key. */
  init(message: Omit<InitMessage, "key">): void {
    this.#thread.post({ ...message, key: this.#key } satisfies InitMessage);
  }

  /** Sends a message; throws as `postMessage` does. */
  post(message: Exclude<ToWorker, InitMessage>, moves?: Transferable[]): void {
    const posted: PostedToWorker = message === WAKE
      ? WAKE
      : [this.#key, message];
    this.#thread.post(posted, moves);
  }

  /**
   * Ends the thread; it says nothing more.
   *
   * @param isLooping Whether it is known to hear nothing
   * @param uninterested Whether nobody cares any more whether it has ended
   * @returns Whether it has ended, as far as is known; otherwise it is lost
   */
  async stop(
    isLooping: boolean,
    uninterested: AbortSignal,
  ): Promise<boolean> {
    this.#isStopped = true;
    clearTimeout(this.#dying);
    this.#thread.terminate();
    const hasEnded = this.#life === undefined || uninterested.aborted ||
      (!isLooping || this.#isKillable !== undefined) &&
        await endsSoon(this.#life, uninterested);
    this.#watch.abort();
    return hasEnded;
  }

  async #becomeReady(): Promise<void> {
    if (this.#isKillable && !await this.#isKillable) {
      return this.#die(
        new Error(
          "Option `hardKill` is not to be had: this Deno cannot stop the loop of a thread",
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
      case "alive":
        this.#watchLife(message.life);
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

  #watchLife(name: string): void {
    const life = this.#life = endOfLife(name, this.#watch.signal);
    life?.then(() => {
      const cause = new Error("The worker exited: self.close() or Deno.exit()");
      // It may have got another name meanwhile.
      this.#dieSoon(cause, LAST_WORDS, () => this.#life === life);
    });
  }

  /** What the thread has posted before its end is still on its way. */
  #dieSoon(cause: unknown, ms: number, isSo = () => true): void {
    if (this.#isStopped) return;
    this.#dying ??= setTimeout(() => {
      this.#dying = undefined;
      if (isSo()) this.#die(cause);
    }, ms);
  }

  #die(cause: unknown): void {
    if (!this.#isStopped) this.#events.died(cause);
  }
}

/** Whether a life ends in time, or before anybody cares. */
async function endsSoon(
  life: Promise<void>,
  uninterested: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, LOST_AFTER, false);
  const onEnd = () => resolve(true);
  life.then(onEnd);
  uninterested.addEventListener("abort", onEnd);
  const hasEnded = await promise;
  uninterested.removeEventListener("abort", onEnd);
  clearTimeout(timer);
  return hasEnded;
}

/** Nobody else would close the ports that have come with a message of a job's. */
function closePorts(message: unknown): void {
  try {
    for (const moved of transferablesIn(message)) {
      if (moved instanceof MessagePort) moved.close();
    }
  } catch {
    // It is nested too deeply.
  }
}
