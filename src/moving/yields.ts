// What a generator yields, on its way back: values travel together in lists, as far
// as the reader gives credit.

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

/** Where the values of a generator go. */
export interface MovedYields extends Moved {
  kind: "yields";
  id: number;
  /** How much of the channel's window a value takes at least. */
  share: number;
}

/**
 * A value leaves at once, unless others left less than this many ms before it: then
 * it waits for those that follow. Values that are made slowly are never held up.
 */
const TOGETHER = 1.25;

/** What a generator yields, in the table of kinds. */
export const YIELDS: MovingKind<YieldsDeparture, MovedYields> = {
  depart: (yields) => yields,
  arrive: (link, moved) => new YieldsArrival(link, moved),
};

/** The end at which values are read. It departs with the job whose values they are. */
export class YieldsDeparture extends Half implements Departure<MovedYields> {
  protected readonly channel = new Channel({
    changed: () => this.#onChange(),
    ended: () => this.leave(),
    failed: () => this.leave(),
  }, { in: WINDOW, out: 0 });
  #onChange = () => {};
  readonly #share: number;
  /** The values of the first chunk, and which of them comes next. */
  #list: unknown[] = [];
  #next = 0;
  /** Resolves when nothing more comes. */
  readonly closed: Promise<void>;
  readonly #close: () => void;

  /** @param window How many values may be on their way; those that were read do not count */
  constructor(window: number) {
    super();
    // As much as a number in a list weighs, at least: a process is held to that.
    this.#share = Math.max(8, Math.ceil(WINDOW / window));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  /** Calls back whenever there are values, or will be none. */
  whenChanged(callback: () => void): void {
    this.#onChange = callback;
  }

  /** Whether there is a value. */
  get hasValue(): boolean {
    return this.channel.inlet.hasChunk;
  }

  /** What has failed in between, if anything has. */
  get failure(): { error: unknown } | undefined {
    const { hasFailed, error } = this.channel.inlet;
    return hasFailed ? { error } : undefined;
  }

  /** Takes the next value. A chunk makes room in the window when all of it is read. */
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

  /** Drops what is here. */
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

/** The values of a chunk. */
export function listOf(chunk: unknown): unknown[] {
  const list = typeof chunk === "string" ? fromText(chunk) : chunk;
  // A process may write anything.
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
  /** What leaves next: values that are their own already, or the texts of such. */
  #list: unknown[] = [];
  #texts = "";
  #moves: Transferable[] = [];
  #size = 0;
  /** When the last values left. */
  #sentAt = 0;
  /** Whether nobody wants more. */
  isStopped = false;

  constructor(link: Link, { id, share }: MovedYields) {
    super();
    this.#share = share;
    this.channel.join(link, id);
  }

  /** Whether the next value may be asked for. */
  get hasRoom(): boolean {
    return this.isStopped || this.channel.outlet.credit > this.#pending;
  }

  /**
   * What the pending values take of the window. Credit must exceed it, since the
   * next value may need a chunk of its own.
   */
  get #pending(): number {
    return this.#size === 0 ? 0 : Math.max(this.#size, LEAST_OBJECT);
  }

  /** Resolves when it may. */
  async room(): Promise<void> {
    this.flush();
    await this.channel.outlet.until("hasCredit");
  }

  /**
   * Takes a value as it is now.
   *
   * @throws {JobCloneError} If it can be neither cloned nor moved
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

  /** Whether something that was yielded has not left. */
  get isPending(): boolean {
    return this.#size > 0;
  }

  /** Lets what was yielded leave if it is time. */
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

  /** Lets all leave that has been yielded. */
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
    // The generator, which may wait for room, goes on to its end.
    this.channel.outlet.last();
  }

  end(): void {
    this.flush();
    this.channel.outlet.end();
    this.leave();
  }
}
