// What each kind of value must say of itself that moves, or is followed by a copy,
// instead of being cloned. kinds.ts is the table of all kinds.

import type { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import type { Kind } from "../values/departing.ts";

/** A kind of value. */
export interface MovingKind<
  V extends object = object,
  M extends Moved = Moved,
> {
  /** Why a value cannot go now, if it cannot. */
  whyStays?(value: V): string | undefined;
  /** The streams that a value takes with it, which nothing else can take. */
  streamsOf?(value: V): object[];
  /** How it leaves: from here on the value is the pool's. */
  depart(value: V, how: HowDeparts): Departure<M>;
  /** How it arrives. */
  arrive(link: Link, moved: M): Arrival;
}

/** What a departure has to know. */
export interface HowDeparts {
  /** Whether it is sent only once, so that what is there of it may move with it. */
  isOnce: boolean;
  /** Of a value that is sent as data: that data. */
  data: unknown;
  /** How connections depart. */
  connect: Connect | undefined;
}

/** Makes the departure of a connection. */
export type Connect = (connection: Deno.Conn) => Departure<MovedByNumber> & {
  /** What there is to tell of it. */
  readonly about: readonly unknown[];
};

/** How something that moves is described in a message. */
export interface Moved {
  kind: Kind;
}

/** All that moves with one value: the object that stands for each, and its description. */
export type MovedList = [placeholder: object, moved: Moved][];

/** Of a request or a connection, of which all else is told in a text: its channel. */
export type MovedByNumber = number;

/** All that moves with the arguments of one job. */
export type MovedOfJob = MovedList | MovedByNumber;

/** What may be open for a while. */
interface Open {
  readonly isOpen?: boolean;
  /** Calls back when it is open no longer: at once if it is not. */
  whenClosed?(callback: () => void): void;
}

/** One of the two halves of something that moves, joined by a channel while it is open. */
export abstract class Half implements Open {
  isOpen = true;
  #onClosed: (() => void) | undefined;
  protected abstract readonly channel: Channel;

  whenClosed(callback: () => void): void {
    if (this.isOpen) this.#onClosed = callback;
    else callback();
  }

  /** Leaves the channel, so that it can be opened to another thread. */
  takeBack(): void {
    this.channel.leave();
  }

  /** It is open no longer. */
  protected leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.channel.leave();
    this.#onClosed?.();
  }
}

/** Something that moves, in the thread that it leaves. */
export interface Departure<M = Moved> extends Open {
  /** How many bytes go with its description. */
  readonly size?: number;
  /** Whether it is not known yet what is there of it; else it is by the end of the turn. */
  readonly isPending?: boolean;
  /** Calls back when more is known. */
  whenReady?(callback: () => void): void;
  /** Describes it for the other thread, to which it is joined from now on. */
  send(link: Link): M;
  /** Undoes that, so that it can be sent elsewhere. */
  takeBack?(): void;
  /** Closes it now, for this reason. */
  close?(reason: unknown): void;
}

/** Something that has moved, in the thread to which it came. */
export interface Arrival extends Open {
  /** What it is here; may throw if it cannot be that. */
  readonly value: unknown;
  /** The job has started. */
  start?(): void;
  /** The job is told to end, for this reason. */
  abort?(reason: unknown): void;
  /** The job reports a value while it runs. */
  report?(value: unknown): void;
  /** The handler has ended, though the job goes on with the streams of its result. */
  flush?(): void;
  /** The job has ended: with an error, if it failed. */
  end?(failure?: { thrown: unknown }): void;
}

/** All that has moved with a job, in the thread to which it came. */
export type JobArrivals =
  & Required<Pick<Arrival, "end">>
  & Pick<Arrival, "start" | "abort" | "report" | "flush">;

/** What several things that move do as one. */
export abstract class Together<Part extends Open> implements Open {
  protected parts: Part[];

  constructor(maybe: (Part | undefined)[] = []) {
    this.parts = maybe.filter((part) => part !== undefined);
  }

  get isOpen(): boolean {
    return this.parts.some(({ isOpen }) => isOpen);
  }

  /** Calls back when nothing is open any more: at once if nothing is. */
  whenClosed(callback: () => void): void {
    const open = this.parts.filter(({ isOpen }) => isOpen);
    let left = open.length;
    if (left === 0) return callback();
    for (const one of open) {
      one.whenClosed?.(() => {
        if (--left === 0) callback();
      });
    }
  }
}

/** The departure of a value that is made of others, or of several values. */
export class DepartsTogether<M> extends Together<Departure<unknown>>
  implements Departure<M> {
  constructor(
    maybe: (Departure<unknown> | undefined)[],
    readonly send: (link: Link) => M,
    readonly size = 0,
  ) {
    super(maybe);
  }

  get isPending(): boolean {
    return this.parts.some(({ isPending }) => isPending);
  }

  whenReady(callback: () => void): void {
    for (const part of this.parts) part.whenReady?.(callback);
  }

  takeBack(): void {
    for (const part of this.parts) part.takeBack?.();
  }

  close(reason: unknown): void {
    for (const part of this.parts) part.close?.(reason);
  }
}

/** The arrival of a value that is made of others, when it is first asked for. */
export class ArrivesTogether extends Together<Arrival> implements Arrival {
  readonly #make: () => unknown;
  #value: unknown;

  constructor(maybe: (Arrival | undefined)[], make: () => unknown) {
    super(maybe);
    this.#make = make;
  }

  get value(): unknown {
    return this.#value ??= this.#make();
  }

  abort(reason: unknown): void {
    for (const part of this.parts) part.abort?.(reason);
  }

  end(failure?: { thrown: unknown }): void {
    for (const part of this.parts) part.end?.(failure);
  }
}
