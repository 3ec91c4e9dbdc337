// The receiving end of one direction of a channel: it gives credit.

import { packError } from "../values/pack_error.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { CREDIT_STEP, sizeOf, WINDOW } from "./window.ts";

/** Who is told of what comes in. */
export interface InletOwner {
  /** There is a chunk, or there will be none. */
  changed?(): void;
}

/** What comes in through a channel. */
export class Inlet {
  readonly #channel: Teller;
  readonly #owner: InletOwner;
  /** What is here, and how much of the window each takes. */
  #chunks: unknown[] = [];
  #sizes: number[] = [];
  /** How much the other end may send as far as it knows, and how much more it may. */
  #credit: number;
  #untold: number;
  /** Whether more is wanted than may come from the start. */
  #isOpen: boolean;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Whether nothing follows what is here. */
  hasEnded = false;
  /** Whether that is because something has failed. */
  hasFailed = false;
  /** What has failed. */
  error: unknown;

  /** @param credit How much the other end may send from the start */
  constructor(channel: Teller, owner: InletOwner, credit: number) {
    this.#channel = channel;
    this.#owner = owner;
    this.#credit = credit;
    this.#untold = WINDOW - credit;
    this.#isOpen = this.#untold === 0;
  }

  /** Whether there is a chunk. */
  get hasChunk(): boolean {
    return this.#chunks.length > 0;
  }

  /** The next chunk, which stays until it is taken. */
  get first(): unknown {
    return this.#chunks[0];
  }

  /** All chunks that are here. */
  get all(): readonly unknown[] {
    return this.#chunks;
  }

  /** Takes the next chunk, which makes room in the window. */
  take(): unknown {
    const chunk = this.#chunks.shift();
    this.#untold += this.#sizes.shift()!;
    if (this.#isOpen && this.#untold >= CREDIT_STEP) this.#giveCredit();
    return chunk;
  }

  /** Takes all chunks that are here, and makes no room for more. */
  drop(): unknown[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#sizes = [];
    return chunks;
  }

  /** Resolves when there is a chunk, or will be none. */
  async more(): Promise<void> {
    while (!this.hasChunk && !this.hasEnded) {
      if (this.#credit <= 0) this.#giveCredit();
      await (this.#waiting ??= Promise.withResolvers()).promise;
    }
  }

  /** Wants more than may come from the start, however large the first chunk is. */
  open(): void {
    if (!this.#isOpen) this.#giveCredit();
  }

  #giveCredit(): void {
    this.#isOpen = true;
    if (!this.hasEnded) this.#channel.tell(FlowEvent.CREDIT, this.#untold);
    this.#credit += this.#untold;
    this.#untold = 0;
  }

  /** Wants nothing more, for this reason, and drops what is here. */
  stop(reason: unknown): void {
    this.#channel.tell(FlowEvent.STOP, packError(reason));
    this.drop();
    this.hasEnded = false;
    this.fail(reason);
  }

  /** A chunk has come; `false` if nobody wants it. */
  push(chunk: unknown, size = sizeOf(chunk)): boolean {
    if (this.hasEnded) return false;
    this.#credit -= size;
    this.#chunks.push(chunk);
    this.#sizes.push(size);
    this.#changed();
    return true;
  }

  /** Nothing follows. */
  end(): void {
    this.hasEnded = true;
    this.#changed();
  }

  /** Nothing follows, since something has failed. */
  fail(error: unknown): void {
    if (this.hasEnded) return;
    this.hasFailed = true;
    this.error = error;
    this.end();
  }

  #changed(): void {
    this.#owner.changed?.();
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
