// Moves an `AbortSignal` as a second signal, which fires after the original.

import { FlowEvent } from "../flow/events.ts";
import type { Link, LinkEnd } from "../flow/link.ts";
import { AbortWatch } from "../values/abort_watch.ts";
import { packError } from "../values/pack_error.ts";
import { type PackedError, unpackError } from "../values/unpack_error.ts";
import type { Arrival, Departure, Moved, MovingKind } from "./kind.ts";

/** Description of a signal that follows its original. */
export interface MovedSignal extends Moved {
  kind: "signal";
  id: number;
  /** The reason, if the signal has already fired. */
  reason: PackedError | undefined;
}

/** The entry for signals in the table of kinds. */
export const SIGNAL: MovingKind<AbortSignal, MovedSignal> = {
  depart(signal) {
    const departure = new SignalDeparture(() => signal);
    departure.follow();
    return departure;
  },
  arrive: (link, moved) => new SignalArrival(link, moved),
};

/** All followed signals. */
const followed = new AbortWatch<SignalDeparture>((departure, reason) => {
  departure.fire(reason);
});
let lastNumber = 0;

/** The original signal. */
export class SignalDeparture implements Departure<MovedSignal>, LinkEnd {
  readonly #get: () => AbortSignal;
  readonly #number = ++lastNumber;
  #signal: AbortSignal | undefined;
  #link: Link | undefined;
  #id = 0;

  /** @param get Returns the signal. Called only when needed: some signals are costly */
  constructor(get: () => AbortSignal) {
    this.#get = get;
  }

  /** Starts to watch the original signal. */
  follow(): void {
    if (this.#signal) return;
    const signal = this.#signal = this.#get();
    if (signal.aborted) this.fire(signal.reason);
    else followed.add(signal, this.#number, this);
  }

  /** Sends the reason to the other thread. */
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

  /** Follows the signal: it is used in the thread where it arrived. */
  receive(): void {
    this.follow();
  }

  fail(): void {
    this.close();
  }
}

/** The signal that follows the original. */
export class SignalArrival implements Arrival, LinkEnd {
  readonly #link: Link;
  readonly #id: number;
  readonly #controller = new AbortController();

  constructor(link: Link, { id, reason }: MovedSignal) {
    this.#link = link;
    this.#id = id;
    link.join(id, this);
    // The original has fired, so the job starts with an aborted signal.
    if (reason) this.#controller.abort(unpackError(reason));
  }

  get value(): AbortSignal {
    return this.#controller.signal;
  }

  /** Returns the signal, and asks the other thread to follow the original. */
  ask(): AbortSignal {
    this.#link.tell(this.#id, FlowEvent.CALL);
    return this.value;
  }

  /** Fires, because the original has fired. */
  receive(_event: FlowEvent, reason: unknown): void {
    this.#controller.abort(unpackError(reason as PackedError));
  }

  fail(): void {
    // If the main thread ends, so does this thread.
  }

  end(): void {
    this.#link.close(this.#id);
  }
}
