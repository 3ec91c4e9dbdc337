// The sending end of one direction of a channel, which waits for credit.

import { packError } from "../values/pack_error.ts";
import type { PackedError } from "../values/unpack_error.ts";
import { compact, isUnshared, movesOf, SMALL } from "./bytes.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { sizeOf } from "./window.ts";

/** Callbacks of the owner of an outlet. */
export interface OutletOwner {
  /** Called when the other end has given credit. */
  credited?(): void;
  /** Called when the other end wants no more chunks. */
  stopped?(reason: unknown): void;
}

/** Chunks that are sent through a channel. */
export class Outlet {
  readonly #channel: Teller;
  readonly #owner: OutletOwner;
  #credit: number;
  /**
   * Events that were sent, and their values, until the other end first answers. Until
   * then, the outlet may have to send them again through another link.
   */
  #kept: unknown[] | undefined = [];
  #isStarted = false;
  #waiting: PromiseWithResolvers<void> | undefined;
  #done: PromiseWithResolvers<void> | undefined;
  #error: PackedError | undefined;
  /** Whether no chunk follows. */
  hasEnded = false;
  /** Whether the other end wants no more chunks. */
  isStopped = false;
  /** Reason why the other end stopped. */
  stopReason: unknown;
  #isDone = false;
  /** Error for waits for the other end, after `interrupt()`. */
  #interruption: Error | undefined;

  /** @param credit Credit at the start */
  constructor(channel: Teller, owner: OutletOwner, credit: number) {
    this.#channel = channel;
    this.#owner = owner;
    this.#credit = credit;
  }

  /** Credit that is left. */
  get credit(): number {
    return this.#credit;
  }

  /** Whether the outlet can send. */
  get hasCredit(): boolean {
    return this.#credit > 0;
  }

  /** Whether chunks are sent only once, so they can move. */
  get isOpen(): boolean {
    return this.#kept === undefined;
  }

  /** Ends the direction; settles when the end is delivered, or the other end stops. */
  async finish(): Promise<void> {
    this.end();
    if (this.isStopped) throw this.stopReason;
    if (this.#isDone) return;
    if (this.#interruption) throw this.#interruption;
    await (this.#done ??= Promise.withResolvers()).promise;
  }

  /**
   * Resolves when `condition` holds, or the other end wants no more chunks; rejects after
   * `interrupt()`.
   */
  async until(condition: "hasCredit" | "isOpen"): Promise<void> {
    while (!this[condition] && !this.isStopped) {
      if (this.#interruption) throw this.#interruption;
      await (this.#waiting ??= Promise.withResolvers()).promise;
    }
  }

  /** Sends bytes: own bytes, which move if they are many, or a copy of other bytes. */
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

  /** Subtracts sent bytes from the credit. */
  count(length: number): void {
    this.#credit -= length;
  }

  /**
   * Sends a chunk that is cloned, or moves; only an open outlet can move chunks.
   *
   * @param size Share of the window that an object takes
   */
  send(chunk: unknown, moves?: readonly Transferable[], size?: number): void {
    this.count(size ?? sizeOf(chunk));
    const event = size === undefined ? FlowEvent.DATA : FlowEvent.OBJECT;
    const value = size === undefined ? chunk : [chunk, size];
    this.#kept?.push(event, value);
    if (this.#isStarted) this.#channel.tell(event, value, moves);
  }

  /** Removes the credit limit, because only the end follows. */
  last(): void {
    this.#credit = Infinity;
    this.#wake();
  }

  /** Ends the direction, with an error if the source has failed. */
  end(error?: { thrown: unknown }): void {
    if (this.hasEnded || this.isStopped) return;
    this.hasEnded = true;
    this.#error = error && packError(error.thrown);
    if (this.#isStarted) this.#channel.tell(FlowEvent.END, this.#error);
  }

  /** Starts to send, first the kept chunks; with `isOnce`, bytes move. */
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

  /** Stops sending until `start()`. */
  pause(): void {
    this.#isStarted = false;
  }

  /** Adds credit from the other end. */
  grant(size: number): void {
    this.#credit += size;
    this.#owner.credited?.();
    this.#open();
  }

  #open(): void {
    this.#kept = undefined;
    this.#wake();
  }

  /** Stops, because the other end wants no more chunks. */
  stop(reason: unknown): void {
    if (this.isStopped) return;
    this.#kept = undefined;
    this.isStopped = true;
    this.stopReason = reason;
    this.#done?.reject(reason);
    this.#wake();
    this.#owner.stopped?.(reason);
  }

  /** Rejects current and later waits for the other end with this error. */
  interrupt(error: Error): void {
    this.#interruption = error;
    this.#done?.reject(error);
    this.#wake();
  }

  /** Records that the end has been delivered. */
  taken(): void {
    this.#isDone = true;
    this.#done?.resolve();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
