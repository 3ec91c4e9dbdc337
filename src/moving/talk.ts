// A talk: messages in both directions over a channel, in order, as objects of any
// kind, with credit, so that neither side can flood the other.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import { Half } from "./kind.ts";
import { weigh } from "./weigh.ts";

/** What the owner of one side hears. */
export interface TalkOwner {
  heard(message: object): void;
  /** The other side says nothing more, and hears nothing. */
  ended(): void;
}

/** One side of a talk. */
export class Talk extends Half {
  protected readonly channel: Channel;
  /** What waits for credit. */
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
      // Something could not cross to another process, say.
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

  /** Opens it at its first side; gives its id for the other. */
  open(link: Link): number {
    return this.channel.open(link, true);
  }

  /** Opens its other side. */
  join(link: Link, id: number): void {
    this.channel.join(link, id);
  }

  /** Says something that can be cloned, or moves. */
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

  /** Ends it for both sides. */
  close(): void {
    if (!this.isOpen) return;
    this.channel.outlet.end();
    this.leave();
  }

  /** Hears and says nothing more. */
  override leave(): void {
    this.#waiting = [];
    super.leave();
  }
}
