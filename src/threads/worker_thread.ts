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
import { endOfLife, hasEnded } from "./liveness.ts";
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
  /** It is certain again that it is alive. */
  seen(): void;
  /** It has ended, unasked; nothing follows. */
  died(cause: unknown): void;
}

/** What is known of a thread that ends without a word. */
const EXITED = "The worker exited: self.close() or Deno.exit()";
/** How often it is looked whether a thread that rests has ended, in ms. */
const LOOK_EVERY = 1_000;
/** What a thread has posted arrives so many ms after its end has been seen. */
const LAST_WORDS = 10;

/** A thread that is watched from its start to its end. */
export class WorkerThread {
  isReady = false;
  /** What messages from and to it begin with; no job knows it. */
  readonly #key: string = crypto.randomUUID();
  readonly #isKillable: Promise<boolean> | undefined;
  readonly #thread: Thread;
  readonly #events: WorkerThreadEvents;
  /** Ends the look-out for the thread's end. */
  #watch = new AbortController();
  #isStopped = false;
  #isResting = false;
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #dying: ReturnType<typeof setTimeout> | undefined;
  /** By what it shows its life, once that is known. */
  #life: string | undefined;
  /** Whether it may have ended unseen. */
  #isUnseen = false;

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

  /** Whether it was alive when it was last looked for, and would have been seen to end. */
  get isSeen(): boolean {
    return !this.#isUnseen;
  }

  /** Lets the process end while the thread has nothing to do: its own end is not seen then. */
  rest(): void {
    if (this.#isStopped || this.#isResting) return;
    this.#isResting = true;
    this.#thread.keepProcess(false);
    this.#watch.abort();
    this.#isUnseen = this.#life !== undefined;
    this.#lookWhileResting();
  }

  /** By a timer, which unlike the wait for a lock does not keep the process. */
  #lookWhileResting(): void {
    this.#restTimer = setTimeout(async () => {
      if (this.#life !== undefined && await hasEnded(this.#life)) {
        this.#dieSoon(new Error(EXITED), 0);
      } else if (this.#isResting && !this.#isStopped) this.#lookWhileResting();
    }, LOOK_EVERY);
    Deno.unrefTimer(this.#restTimer as unknown as number);
  }

  /** The thread gets something to do. */
  resume(): void {
    if (this.#isStopped || !this.#isResting) return;
    this.#isResting = false;
    clearTimeout(this.#restTimer);
    this.#thread.keepProcess(true);
    if (this.#life !== undefined) this.#seeAgain(this.#life);
  }

  async #seeAgain(life: string): Promise<void> {
    const isGone = await hasEnded(life);
    if (this.#isStopped || this.#isResting) return;
    this.#watchLife(life);
    if (isGone) return;
    this.#isUnseen = false;
    this.#events.seen();
  }

  /** Ends the thread, which says nothing more; gives what it shows its life by, if it has begun to. */
  stop(): string | undefined {
    this.#isStopped = true;
    clearTimeout(this.#dying);
    clearTimeout(this.#restTimer);
    this.#thread.terminate();
    this.#watch.abort();
    return this.#life;
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

  #watchLife(life: string): void {
    this.#life = life;
    this.#watch.abort();
    if (this.#isResting) return;
    this.#watch = new AbortController();
    endOfLife(life, this.#watch.signal)?.then(() => {
      const cause = new Error(EXITED);
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
