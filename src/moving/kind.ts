// Defines the interfaces of a kind of value that moves, or is followed by a copy,
// instead of being cloned. kinds.ts has the table of all kinds.

import type { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import type { Kind } from "../values/departing.ts";

/** A kind of value. */
export interface MovingKind<
  V extends object = object,
  M extends Moved = Moved,
> {
  /** Returns why a value cannot move now, if it cannot. */
  whyStays?(value: V): string | undefined;
  /** Returns the streams that move with a value, and with nothing else. */
  streamsOf?(value: V): object[];
  /** Makes the departure of a value, and takes ownership of the value. */
  depart(value: V, how: HowDeparts): Departure<M>;
  /** Makes the arrival of a value. */
  arrive(link: Link, moved: M): Arrival;
}

/** What a departure needs to know. */
export interface HowDeparts {
  /** Whether the value is sent only once, so the data already available can move. */
  isOnce: boolean;
  /** The data of a value that is sent as data. */
  data: unknown;
  /** Function that makes the departures of connections. */
  connect: Connect | undefined;
}

/** Makes the departure of a connection. */
export type Connect = (connection: Deno.Conn) => Departure<MovedByNumber> & {
  /** Description of the connection. */
  readonly about: readonly unknown[];
};

/** Description of a moved value in a message. */
export interface Moved {
  kind: Kind;
}

/** Everything that moves with one value: each placeholder and its description. */
export type MovedList = [placeholder: object, moved: Moved][];

/** Channel id of a request or a connection that travels as text. */
export type MovedByNumber = number;

/** Everything that moves with the arguments of one job. */
export type MovedOfJob = MovedList | MovedByNumber;

/** Something that can stay open for a while. */
interface Open {
  readonly isOpen?: boolean;
  /** Calls back when this is closed: at once if it is already. */
  whenClosed?(callback: () => void): void;
}

/** One of the two ends of a moved value, connected by a channel while it is open. */
export abstract class Half implements Open {
  isOpen = true;
  #onClosed: (() => void) | undefined;
  protected abstract readonly channel: Channel;

  whenClosed(callback: () => void): void {
    if (this.isOpen) this.#onClosed = callback;
    else callback();
  }

  /** Leaves the channel, which can then be opened to another thread. */
  takeBack(): void {
    this.channel.leave();
  }

  /** Closes this end. */
  protected leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.channel.leave();
    this.#onClosed?.();
  }
}

/** A moving value, in the thread that it leaves. */
export interface Departure<M = Moved> extends Open {
  /** Number of bytes sent with the description. */
  readonly size?: number;
  /** Whether the first data may arrive later than at the end of this turn. */
  readonly isPending?: boolean;
  /** Calls back when the first data has arrived. */
  whenReady?(callback: () => void): void;
  /** Connects the value to the other thread. Returns its description. */
  send(link: Link): M;
  /** Undoes `send()`, so that the value can be sent to another thread. */
  takeBack?(): void;
  /** Closes the value at once, for this reason. */
  close?(reason: unknown): void;
}

/** A moved value, in the thread where it arrives. */
export interface Arrival extends Open {
  /** The value in this thread. Can throw if the value cannot be made here. */
  readonly value: unknown;
  /** Called when the job has started. */
  start?(): void;
  /** Called when the job is aborted, with the reason. */
  abort?(reason: unknown): void;
  /** Called when the job reports a value while it runs. */
  report?(value: unknown): void;
  /** Called when the handler has ended. The streams of its result can continue. */
  flush?(): void;
  /** Called when the job has ended, with an error if it failed. */
  end?(failure?: { thrown: unknown }): void;
}

/** Everything that moved with a job, in the thread where it arrives. */
export type JobArrivals =
  & Required<Pick<Arrival, "end">>
  & Pick<Arrival, "start" | "abort" | "report" | "flush">;

/** Several moving values that act as one. */
export abstract class Together<Part extends Open> implements Open {
  protected parts: Part[];

  constructor(maybe: (Part | undefined)[] = []) {
    this.parts = maybe.filter((part) => part !== undefined);
  }

  get isOpen(): boolean {
    return this.parts.some(({ isOpen }) => isOpen);
  }

  /** Calls back when no part is open: at once if that is so already. */
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

/** The departure of a value with several parts, or of several values. */
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

/** The arrival of a value with several parts. The value is made when first read. */
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
