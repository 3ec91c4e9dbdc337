// A talk: messages of any kind in both directions over a channel, in order. Credit
// prevents each side from flooding the other.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import { Half } from "./kind.ts";
import { weigh } from "./weigh.ts";

/** Callbacks of the owner of one side. */
export interface TalkOwner {
  heard(message: object): void;
  /** The other side no longer sends or receives. */
  ended(): void;
}

/** One side of a talk. */
export class Talk extends Half {
  protected readonly channel: Channel;
  /** Messages that wait for credit. */
  #waiting: [message: object, moves: Transferable[], size: number][] = [];

  constructor(owner: TalkOwner) {
    super();
    const end = () => {
      if (!this.isOpen) return;
      this.leave();
      owner.ended();
    };
    this.channel = new Channel({
      changed: () => this.#hear(owner),
      credited: () => this.#sendWaiting(),
      // For example, a message could not be sent to another process.
      stopped: end,
      ended: end,
      failed: end,
    }, { in: WINDOW, out: WINDOW });
  }

  #hear(owner: TalkOwner): void {
    const { inlet } = this.channel;
    while (this.isOpen && inlet.hasChunk) {
      owner.heard(inlet.take() as object);
    }
  }

  /** Opens the talk at its first side. Returns the id for the other side. */
  open(link: Link): number {
    return this.channel.open(link, true);
  }

  /** Opens the other side of the talk. */
  join(link: Link, id: number): void {
    this.channel.join(link, id);
  }

  /** Sends a message, whose contents can be cloned or moved. */
  say(message: object, moves: Transferable[] = []): void {
    this.#waiting.push([message, moves, weigh(message)]);
    if (this.#waiting.length === 1) this.#sendWaiting();
  }

  #sendWaiting(): void {
    const { outlet } = this.channel;
    let sent = 0;
    for (const [message, moves, size] of this.#waiting) {
      if (!this.isOpen || !outlet.hasCredit) break;
      outlet.send(message, moves, size);
      sent++;
    }
    this.#waiting.splice(0, sent);
  }

  /** Ends the talk for both sides. */
  close(): void {
    if (!this.isOpen) return;
    this.channel.outlet.end();
    this.leave();
  }

  /** Stops sending and receiving. */
  override leave(): void {
    this.#waiting = [];
    super.leave();
  }
}
