// Sends the values that a generator yields to the caller, in lists, as long as the
// reader gives credit.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { CREDIT_STEP, WINDOW } from "../flow/window.ts";
import { isPrimitive } from "../values/cloneable.ts";
import { fromText } from "../values/plain_text.ts";
import {
  type Arrival,
  type Departure,
  Half,
  type Moved,
  type MovingKind,
} from "./kind.ts";
import { snapshot } from "./snapshot.ts";
import { LEAST_OBJECT } from "./weigh.ts";

/** Description of the channel for the values of a generator. */
export interface MovedYields extends Moved {
  kind: "yields";
  id: number;
  /** Minimum amount of the channel's window that a value takes. */
  share: number;
}

/**
 * Time in ms in which values collect. A value is sent at once, unless others were sent
 * less than this time ago. Values of slow generators are never delayed.
 */
const TOGETHER = 1.25;

/** The entry for yielded values in the table of kinds. */
export const YIELDS: MovingKind<YieldsDeparture, MovedYields> = {
  depart: (yields) => yields,
  arrive: (link, moved) => new YieldsArrival(link, moved),
};

/** The end at which values are read. It departs with the job that yields the values. */
export class YieldsDeparture extends Half implements Departure<MovedYields> {
  protected readonly channel = new Channel({
    changed: () => this.#onChange(),
    ended: () => this.leave(),
    failed: () => this.leave(),
  }, { in: WINDOW, out: 0 });
  #onChange = () => {};
  readonly #share: number;
  /** The values of the first chunk, and the index of the next value. */
  #list: unknown[] = [];
  #next = 0;
  /** Resolves when no more values arrive. */
  readonly closed: Promise<void>;
  readonly #close: () => void;

  /** @param window Maximum number of values in flight, without the values already read */
  constructor(window: number) {
    super();
    // At least the weight of a number in a list, which the pool checks for a process.
    this.#share = Math.max(8, Math.ceil(WINDOW / window));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  /** Calls back whenever values arrive, or no more will arrive. */
  whenChanged(callback: () => void): void {
    this.#onChange = callback;
  }

  /** Whether a value is here. */
  get hasValue(): boolean {
    return this.channel.inlet.hasChunk;
  }

  /** The error, if the job or the channel has failed. */
  get failure(): { error: unknown } | undefined {
    const { hasFailed, error } = this.channel.inlet;
    return hasFailed ? { error } : undefined;
  }

  /** Takes the next value. A chunk gives credit when all its values are read. */
  take(): unknown {
    const { inlet } = this.channel;
    if (this.#next === 0) {
      this.#list = listOf(inlet.first);
    }
    const value = this.#list[this.#next++];
    if (this.#next >= this.#list.length) {
      this.#list = [];
      this.#next = 0;
      inlet.take();
    }
    return value;
  }

  /** Drops the values that are here. */
  drop(): void {
    this.channel.inlet.drop();
    this.#list = [];
    this.#next = 0;
  }

  send(link: Link): MovedYields {
    const id = this.channel.open(link, true);
    return { kind: "yields", id, share: this.#share };
  }

  close(): void {
    this.leave();
  }

  protected override leave(): void {
    super.leave();
    this.#close();
  }
}

/** Returns the values of a chunk. */
export function listOf(chunk: unknown): unknown[] {
  const list = typeof chunk === "string" ? fromText(chunk) : chunk;
  // A process can send anything.
  if (Array.isArray(list) && list.length > 0) return list;
  throw new TypeError("Expected a list of values");
}

/** The end at which values are yielded. */
export class YieldsArrival extends Half implements Arrival {
  protected readonly channel = new Channel(
    { stopped: () => this.abort() },
    { in: 0, out: WINDOW },
  );
  readonly value = undefined;
  readonly #share: number;
  /** The next list: values that share nothing with the generator, or their texts. */
  #list: unknown[] = [];
  #texts = "";
  #moves: Transferable[] = [];
  #size = 0;
  /** Time when `lookAt()` last sent values. */
  #sentAt = 0;
  /** Whether the reader wants no more values. */
  isStopped = false;

  constructor(link: Link, { id, share }: MovedYields) {
    super();
    this.#share = share;
    this.channel.join(link, id);
  }

  /** Whether the generator can be asked for the next value. */
  get hasRoom(): boolean {
    return this.isStopped || this.channel.outlet.credit > this.#pending;
  }

  /**
   * How much of the window the pending values take. The credit must be larger, because
   * the next value can need its own chunk.
   */
  get #pending(): number {
    return this.#size === 0 ? 0 : Math.max(this.#size, LEAST_OBJECT);
  }

  /** Sends the pending values, then resolves when there is credit. */
  async room(): Promise<void> {
    this.flush();
    await this.channel.outlet.until("hasCredit");
  }

  /**
   * Adds a snapshot of a value.
   *
   * @throws {JobCloneError} If the value can be neither cloned nor moved
   */
  push(value: unknown): void {
    if (isPrimitive(value) && typeof value !== "string") {
      this.#add(value, this.#share);
    } else {
      const own = snapshot(value, "value");
      const size = Math.max(own.size, this.#share);
      if (own.isText) this.#addText(own.value as string, size);
      else {
        this.#add(own.value, size);
        if (own.moves.length > 0) this.#moves.push(...own.moves);
      }
    }
    if (this.#size >= CREDIT_STEP) this.flush();
  }

  /** Whether some yielded values have not been sent. */
  get isPending(): boolean {
    return this.#size > 0;
  }

  /** Sends the pending values if the last list was sent long enough ago. */
  lookAt(now: number): void {
    if (now - this.#sentAt < TOGETHER) return;
    this.#sentAt = now;
    this.flush();
  }

  #add(value: unknown, size: number): void {
    if (this.#texts !== "") this.flush();
    this.#list.push(value);
    this.#size += size;
  }

  #addText(text: string, size: number): void {
    if (this.#list.length > 0) this.flush();
    this.#texts += this.#texts === "" ? text : `,${text}`;
    this.#size += size;
  }

  /** Sends the pending values. */
  flush(): void {
    if (this.#size === 0) return;
    const size = this.#pending;
    const chunk = this.#texts === "" ? this.#list : `[${this.#texts}]`;
    const moves = this.#moves;
    this.#list = [];
    this.#texts = "";
    this.#moves = [];
    this.#size = 0;
    if (this.isOpen) this.channel.outlet.send(chunk, moves, size);
  }

  abort(): void {
    this.isStopped = true;
    // Wakes a generator that waits for room, so it can end.
    this.channel.outlet.last();
  }

  end(): void {
    this.flush();
    this.channel.outlet.end();
    this.leave();
  }
}
