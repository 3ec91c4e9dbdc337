// The sending end of one direction of a channel: it waits for credit.

import { packError } from "../values/pack_error.ts";
import type { PackedError } from "../values/unpack_error.ts";
import { compact, isUnshared, movesOf, SMALL } from "./bytes.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { sizeOf } from "./window.ts";

/** Who is told of what the other end says of what goes out. */
export interface OutletOwner {
  /** More may be sent. */
  credited?(): void;
  /** The other end wants nothing more. */
  stopped?(reason: unknown): void;
}

/** What goes out through a channel. */
export class Outlet {
  readonly #channel: Teller;
  readonly #owner: OutletOwner;
  #credit: number;
  /**
   * What was sent, each with its event, until the other end first says something:
   * until then it may have to be sent again, through another link.
   */
  #kept: unknown[] | undefined = [];
  #isStarted = false;
  #waiting: PromiseWithResolvers<void> | undefined;
  #done: PromiseWithResolvers<void> | undefined;
  #error: PackedError | undefined;
  /** Whether nothing follows. */
  hasEnded = false;
  /** Whether the other end wants nothing more. */
  isStopped = false;
  /** Why it does not. */
  stopReason: unknown;
  #isDone = false;
  /** Set once nobody is to wait for the other end any more. */
  #interruption: Error | undefined;

  /** @param credit How much may be sent before the other end says more */
  constructor(channel: Teller, owner: OutletOwner, credit: number) {
    this.#channel = channel;
    this.#owner = owner;
    this.#credit = credit;
  }

  /** How much may be sent. */
  get credit(): number {
    return this.#credit;
  }

  /** Whether more may be sent. */
  get hasCredit(): boolean {
    return this.#credit > 0;
  }

  /** Whether what is sent is sent once, so that it may move. */
  get isOpen(): boolean {
    return this.#kept === undefined;
  }

  /** Ends; settles when the other end has taken the end, or has stopped. */
  async finish(): Promise<void> {
    this.end();
    if (this.isStopped) throw this.stopReason;
    if (this.#isDone) return;
    if (this.#interruption) throw this.#interruption;
    await (this.#done ??= Promise.withResolvers()).promise;
  }

  /**
   * Resolves when `condition` holds, or nothing more is wanted; rejects if it is not to
   * be waited for.
   */
  async until(condition: "hasCredit" | "isOpen"): Promise<void> {
    while (!this[condition] && !this.isStopped) {
      if (this.#interruption) throw this.#interruption;
      await (this.#waiting ??= Promise.withResolvers()).promise;
    }
  }

  /** Sends bytes: its own, which move if they are many, or anybody's, as they are now. */
  sendBytes(bytes: Uint8Array, isOwn: boolean): void {
    const staysHere = !isOwn || bytes.length < SMALL;
    if (this.isOpen && staysHere && this.#channel.tellBytes(bytes)) {
      return this.count(sizeOf(bytes));
    }
    const own = compact(
      isOwn ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes),
    );
    this.send(own, this.isOpen ? movesOf(own) : undefined);
  }

  /** This many bytes have been sent. */
  count(length: number): void {
    this.#credit -= length;
  }

  /**
   * Sends a chunk that can be cloned, or moves, which only an open outlet allows.
   *
   * @param size Of an object: how much of the window it takes
   */
  send(chunk: unknown, moves?: readonly Transferable[], size?: number): void {
    this.count(size ?? sizeOf(chunk));
    const event = size === undefined ? FlowEvent.DATA : FlowEvent.OBJECT;
    const value = size === undefined ? chunk : [chunk, size];
    this.#kept?.push(event, value);
    if (this.#isStarted) this.#channel.tell(event, value, moves);
  }

  /** Only the end follows, which needs no credit. */
  last(): void {
    this.#credit = Infinity;
    this.#wake();
  }

  /** Nothing follows; with an error, since something has failed. */
  end(error?: { thrown: unknown }): void {
    if (this.hasEnded || this.isStopped) return;
    this.hasEnded = true;
    this.#error = error && packError(error.thrown);
    if (this.#isStarted) this.#channel.tell(FlowEvent.END, this.#error);
  }

  /** Begins to send, first what has been sent before; if that is only once, bytes move. */
  start(isOnce: boolean): void {
    const kept = this.#kept ?? [];
    this.#isStarted = true;
    for (let i = 0; i < kept.length; i += 2) {
      const value = kept[i + 1];
      const moves = isOnce && isUnshared(value) ? movesOf(value) : undefined;
      this.#channel.tell(kept[i] as FlowEvent, value, moves);
    }
    if (this.hasEnded) this.#channel.tell(FlowEvent.END, this.#error);
    if (isOnce) this.#open();
  }

  /** Sends nothing until it is started again. */
  pause(): void {
    this.#isStarted = false;
  }

  /** The other end lets more come. */
  grant(size: number): void {
    this.#credit += size;
    this.#owner.credited?.();
    this.#open();
  }

  #open(): void {
    this.#kept = undefined;
    this.#wake();
  }

  /** The other end wants nothing more. */
  stop(reason: unknown): void {
    if (this.isStopped) return;
    this.#kept = undefined;
    this.isStopped = true;
    this.stopReason = reason;
    this.#done?.reject(reason);
    this.#wake();
    this.#owner.stopped?.(reason);
  }

  /** From now on the other end is not waited for: that rejects with this error. */
  interrupt(error: Error): void {
    this.#interruption = error;
    this.#done?.reject(error);
    this.#wake();
  }

  /** The other end has taken the end. */
  taken(): void {
    this.#isDone = true;
    this.#done?.resolve();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
