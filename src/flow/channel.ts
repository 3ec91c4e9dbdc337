// A channel between two threads, through which chunks flow in one direction or in
// both. Each direction has credit, so that a slow reader holds up its writer and
// costs no memory.

import { type PackedError, unpackError } from "../values/unpack_error.ts";
import { compact, isUnshared } from "./bytes.ts";
import { FlowEvent, type Teller } from "./events.ts";
import { Inlet, type InletOwner } from "./inlet.ts";
import type { Link, LinkEnd } from "./link.ts";
import { Outlet, type OutletOwner } from "./outlet.ts";

/**
 * What the owner of an end hears beside what flows. It is given as one object, not
 * by setting `inlet.changed = () => …`: V8 allocates a function that is assigned
 * straight to a property in the old part of the heap, where it keeps all it refers
 * to until the next full collection. With two of them, a short connection took a
 * tenth more processor time.
 */
export interface ChannelOwner extends InletOwner, OutletOwner {
  /** What comes in has ended, or failed; chunks may still be waiting. */
  ended?(): void;
  /** The other end has closed the channel. */
  closed?(): void;
  /** The other end's thread is gone. */
  failed?(error: unknown): void;
  /** The other end's owner has called, or answers. */
  called?(value: unknown): void;
}

/** One end of a channel. */
export class Channel implements LinkEnd, Teller {
  readonly inlet: Inlet;
  readonly outlet: Outlet;
  readonly #owner: ChannelOwner;
  #link: Link | undefined;
  /** The link that it is or was open on: its blocks go back there, left or not. */
  #lastLink: Link | undefined;
  #id = 0;

  /** @param credit How much may be sent each way from the start */
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

  /** A block to fill and send, if one is free. */
  takeBlock(): Uint8Array | undefined {
    return this.#link?.takeBlock();
  }

  /** Sends what a block has been filled with; if the channel has been left, it is only freed. */
  sendBlock(block: Uint8Array, length: number): void {
    if (this.#link === undefined) length = 0;
    this.outlet.count(length);
    this.#lastLink?.tellBlock(this.#id, block, length);
  }

  /** Bytes that came in are needed no more. */
  release(bytes: Uint8Array): void {
    this.#lastLink?.release(bytes);
  }

  /** Bytes that came in, to be kept or given away: no others are in their buffer. */
  own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    if (isUnshared(bytes)) return compact(bytes);
    const own = new Uint8Array(bytes);
    this.release(bytes);
    return own;
  }

  /**
   * Opens the channel at its first end; gives its id for the other.
   *
   * @param isOnce Whether it is opened only once, so that what has been sent may move
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

  /** Drops what came in and nobody will read, so that its blocks are free. */
  drop(): void {
    for (const chunk of this.inlet.drop()) {
      if (chunk instanceof Uint8Array) this.release(chunk);
    }
  }

  /** Hears and says nothing more, unless it is opened again. */
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
