// A channel between two threads: chunks flow in one or both directions. Each direction
// has credit, so a slow reader slows its writer and memory stays bounded.

import { type PackedError, unpackError } from "../values/unpack_error.ts";
import { compact, isUnshared } from "./bytes.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { Inlet, type InletOwner } from "./inlet.ts";
import type { Link, LinkEnd } from "./link.ts";
import { Outlet, type OutletOwner } from "./outlet.ts";

/**
 * Callbacks of the owner of an end. The owner passes them as one object and does not
 * set `inlet.changed = () => …`: V8 allocates a function that is assigned directly to
 * a property in the old part of the heap, where it keeps all it refers to until the
 * next full collection. With two of these, a short connection took a tenth more
 * processor time.
 */
export interface ChannelOwner extends InletOwner, OutletOwner {
  /** Called when the incoming direction has ended; chunks can still be waiting. */
  ended?(): void;
  /** Called when the other end has closed the channel. */
  closed?(): void;
  /** Called when the other end's thread is gone. */
  failed?(error: unknown): void;
  /** Called when the other end's owner has sent a call or an answer. */
  called?(value: unknown): void;
}

/** One end of a channel. */
export class Channel implements LinkEnd, Teller {
  readonly inlet: Inlet;
  readonly outlet: Outlet;
  readonly #owner: ChannelOwner;
  #link: Link | undefined;
  /** Current or last link. Blocks are returned to it, even after `leave()`. */
  #lastLink: Link | undefined;
  #id = 0;

  /** @param credit Credit of each direction at the start */
  constructor(owner: ChannelOwner, credit: { in: number; out: number }) {
    this.#owner = owner;
    this.inlet = new Inlet(this, owner, credit.in);
    this.outlet = new Outlet(this, owner, credit.out);
  }

  tell(
    event: FlowEvent,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void {
    this.#link?.tell(this.#id, event, value, moves);
  }

  tellBytes(bytes: Uint8Array): boolean {
    return this.#link?.tellBytes(this.#id, bytes) ?? false;
  }

  /** Returns a block to fill and send, if a block is free. */
  takeBlock(): Uint8Array | undefined {
    return this.#link?.takeBlock();
  }

  /** Sends the first bytes of a block; after `leave()`, only frees the block. */
  sendBlock(block: Uint8Array, length: number): void {
    if (this.#link === undefined) length = 0;
    this.outlet.count(length);
    this.#lastLink?.tellBlock(this.#id, block, length);
  }

  /** Releases received bytes, and frees their block, if any. */
  release(bytes: Uint8Array): void {
    this.#lastLink?.release(bytes);
  }

  /** Returns received bytes in a buffer without other data, to keep or give away. */
  own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    if (isUnshared(bytes)) return compact(bytes);
    const own = new Uint8Array(bytes);
    this.release(bytes);
    return own;
  }

  /**
   * Opens the channel at its first end, and returns its id for the other end.
   *
   * @param isOnce Whether the channel opens only once, so chunks that it sends can move
   */
  open(link: Link, isOnce: boolean): number {
    this.#link = this.#lastLink = link;
    this.#id = link.open(this);
    this.outlet.start(isOnce);
    return this.#id;
  }

  /** Opens the other end of a channel. */
  join(link: Link, id: number): void {
    this.#link = this.#lastLink = link;
    this.#id = id;
    this.outlet.start(true);
    link.join(id, this);
  }

  /** Drops received chunks that are not read any more, and frees their blocks. */
  drop(): void {
    for (const chunk of this.inlet.drop()) {
      if (chunk instanceof Uint8Array) this.release(chunk);
    }
  }

  /** Stops receiving and sending, until the channel is opened again. */
  leave(): void {
    this.#link?.close(this.#id);
    this.#link = undefined;
    this.outlet.pause();
  }

  receive(event: FlowEvent, value: unknown): void {
    switch (event) {
      case FlowEvent.DATA:
        this.inlet.push(value);
        return;
      case FlowEvent.BLOCK:
        if (!this.inlet.push(value)) this.release(value as Uint8Array);
        return;
      case FlowEvent.OBJECT: {
        const [object, size] = value as [unknown, number];
        this.inlet.push(object, size);
        return;
      }
      case FlowEvent.CREDIT:
        return this.outlet.grant(value as number);
      case FlowEvent.END:
        return this.#ended(value as PackedError | undefined);
      case FlowEvent.STOP:
        return this.outlet.stop(unpackError(value as PackedError));
      case FlowEvent.DONE:
        return this.outlet.taken();
      case FlowEvent.CLOSE:
        return this.#owner.closed?.();
      default:
        return this.#owner.called?.(value);
    }
  }

  #ended(error: PackedError | undefined): void {
    if (error === undefined) this.inlet.end();
    else this.inlet.fail(unpackError(error));
    this.#owner.ended?.();
  }

  fail(error: unknown): void {
    this.#link = undefined;
    this.inlet.fail(error);
    this.outlet.stop(error);
    this.#owner.failed?.(error);
  }
}
