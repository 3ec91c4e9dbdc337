// An `AbortSignal` is followed: where it arrives, another one fires after it.

import { FlowEvent } from "../flow/events.ts";
import type { Link, LinkEnd } from "../flow/link.ts";
import { AbortWatch } from "../values/abort_watch.ts";
import { packError } from "../values/pack_error.ts";
import { type PackedError, unpackError } from "../values/unpack_error.ts";
import type { Arrival, Departure, Moved, MovingKind } from "./kind.ts";

/** A signal that follows its original. */
export interface MovedSignal extends Moved {
  kind: "signal";
  id: number;
  /** The reason, if it has fired already. */
  reason: PackedError | undefined;
}

/** Signals in the table of kinds. */
export const SIGNAL: MovingKind<AbortSignal, MovedSignal> = {
  depart(signal) {
    const departure = new SignalDeparture(() => signal);
    departure.follow();
    return departure;
  },
  arrive: (link, moved) => new SignalArrival(link, moved),
};

/** All signals that are followed. */
const followed = new AbortWatch<SignalDeparture>((departure, reason) => {
  departure.fire(reason);
});
let lastNumber = 0;

/** The signal that is followed. */
export class SignalDeparture implements Departure<MovedSignal>, LinkEnd {
  readonly #get: () => AbortSignal;
  readonly #number = ++lastNumber;
  #signal: AbortSignal | undefined;
  #link: Link | undefined;
  #id = 0;

  /** @param get Gives the signal; some signals cost something once they are asked for */
  constructor(get: () => AbortSignal) {
    this.#get = get;
  }

  /** From now on its firing is told. */
  follow(): void {
    if (this.#signal) return;
    const signal = this.#signal = this.#get();
    if (signal.aborted) this.fire(signal.reason);
    else followed.add(signal, this.#number, this);
  }

  /** It has fired. */
  fire(reason: unknown): void {
    this.#link?.tell(this.#id, FlowEvent.END, packError(reason));
  }

  send(link: Link): MovedSignal {
    this.#link = link;
    const id = this.#id = link.open(this);
    const signal = this.#signal;
    const reason = signal?.aborted ? packError(signal.reason) : undefined;
    return { kind: "signal", id, reason };
  }

  takeBack(): void {
    this.#link?.close(this.#id);
    this.#link = undefined;
  }

  close(): void {
    if (this.#signal) followed.remove(this.#signal, this.#number);
    this.takeBack();
  }

  /** It has been asked for where it arrived. */
  receive(): void {
    this.follow();
  }

  fail(): void {
    this.close();
  }
}

/** The signal that follows. */
export class SignalArrival implements Arrival, LinkEnd {
  readonly #link: Link;
  readonly #id: number;
  readonly #controller = new AbortController();

  constructor(link: Link, { id, reason }: MovedSignal) {
    this.#link = link;
    this.#id = id;
    link.join(id, this);
    // The job starts with a signal that has fired.
    if (reason) this.#controller.abort(unpackError(reason));
  }

  get value(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the signal, and asks to hear when the other one fires. */
  ask(): AbortSignal {
    this.#link.tell(this.#id, FlowEvent.CALL);
    return this.value;
  }

  /** The other one has fired. */
  receive(_event: FlowEvent, reason: unknown): void {
    this.#controller.abort(unpackError(reason as PackedError));
  }

  fail(): void {
    // Main is gone, and this thread with it.
  }

  end(): void {
    this.#link.close(this.#id);
  }
}
