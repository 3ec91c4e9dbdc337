// The receiving end of one direction of a channel, which gives credit.

import { packError } from "../values/pack_error.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { CREDIT_STEP, sizeOf, WINDOW } from "./window.ts";

/** Callbacks of the owner of an inlet. */
export interface InletOwner {
  /** Called when a chunk has arrived or the direction has ended. */
  changed?(): void;
}

/** Chunks that arrive through a channel. */
export class Inlet {
  readonly #channel: Teller;
  readonly #owner: InletOwner;
  /** Chunks that have arrived, and the share of the window that each takes. */
  #chunks: unknown[] = [];
  #sizes: number[] = [];
  /** Credit that the sender has, and credit that can be returned to the sender. */
  #credit: number;
  #untold: number;
  /** Whether the sender gets more credit than it had at the start. */
  #isOpen: boolean;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Whether no chunk follows the chunks that have arrived. */
  hasEnded = false;
  /** Whether the direction ended because of a failure. */
  hasFailed = false;
  /** The error of the failure. */
  error: unknown;

  /** @param credit Credit of the sender at the start */
  constructor(channel: Teller, owner: InletOwner, credit: number) {
    this.#channel = channel;
    this.#owner = owner;
    this.#credit = credit;
    this.#untold = WINDOW - credit;
    this.#isOpen = this.#untold === 0;
  }

  /** Whether a chunk is waiting. */
  get hasChunk(): boolean {
    return this.#chunks.length > 0;
  }

  /** The next chunk, which stays until `take()`. */
  get first(): unknown {
    return this.#chunks[0];
  }

  /** All chunks that are waiting. */
  get all(): readonly unknown[] {
    return this.#chunks;
  }

  /** Takes the next chunk, which frees its part of the window. */
  take(): unknown {
    const chunk = this.#chunks.shift();
    this.#untold += this.#sizes.shift()!;
    if (this.#isOpen && this.#untold >= CREDIT_STEP) this.#giveCredit();
    return chunk;
  }

  /** Removes all waiting chunks and returns them, without freeing the window. */
  drop(): unknown[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#sizes = [];
    return chunks;
  }

  /** Resolves when a chunk is waiting or the direction has ended. */
  async more(): Promise<void> {
    while (!this.hasChunk && !this.hasEnded) {
      if (this.#credit <= 0) this.#giveCredit();
      await (this.#waiting ??= Promise.withResolvers()).promise;
    }
  }

  /** Gives the rest of the window now, even if the first chunks are small. */
  open(): void {
    if (!this.#isOpen) this.#giveCredit();
  }

  #giveCredit(): void {
    this.#isOpen = true;
    if (!this.hasEnded) this.#channel.tell(FlowEvent.CREDIT, this.#untold);
    this.#credit += this.#untold;
    this.#untold = 0;
  }

  /** Stops the sender, with this reason, and drops the waiting chunks. */
  stop(reason: unknown): void {
    this.#channel.tell(FlowEvent.STOP, packError(reason));
    this.drop();
    this.hasEnded = false;
    this.fail(reason);
  }

  /** Adds a chunk; returns `false` if the direction has ended. */
  push(chunk: unknown, size = sizeOf(chunk)): boolean {
    if (this.hasEnded) return false;
    this.#credit -= size;
    this.#chunks.push(chunk);
    this.#sizes.push(size);
    this.#changed();
    return true;
  }

  /** Ends the direction. */
  end(): void {
    this.hasEnded = true;
    this.#changed();
  }

  /** Ends the direction with an error. */
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
