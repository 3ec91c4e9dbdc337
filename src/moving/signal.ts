// An `AbortSignal` is followed: where it arrives, another one fires after it.

import { Channel } from "../flow/channel.ts";
import { FlowEvent } from "../flow/events.ts";
import type { Link } from "../flow/link.ts";
import {
  type PackedError,
  packError,
  unpackError,
} from "../values/error_codec.ts";
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
  depart: (signal) => new SignalDeparture(() => signal, false),
  arrive: (link, moved) => new SignalArrival(link, moved),
};

/** The signal that is followed. */
export class SignalDeparture implements Departure<MovedSignal> {
  readonly #channel = new Channel(
    { called: () => this.#follow(), failed: () => this.close() },
    { in: 0, out: 0 },
  );
  readonly #get: () => AbortSignal;
  #signal: AbortSignal | undefined;

  /**
   * @param get Gives the signal; some signals cost something once they are asked for
   * @param whenAsked Whether to follow it only when it is asked for where it arrives
   */
  constructor(get: () => AbortSignal, whenAsked: boolean) {
    this.#get = get;
    if (!whenAsked) this.#follow();
  }

  #follow(): void {
    if (this.#signal) return;
    this.#signal = this.#get();
    if (this.#signal.aborted) this.handleEvent();
    else this.#signal.addEventListener("abort", this);
  }

  /** It has fired. */
  handleEvent(): void {
    this.#channel.outlet.end({ thrown: this.#signal!.reason });
  }

  send(link: Link): MovedSignal {
    const id = this.#channel.open(link, false);
    const signal = this.#signal;
    const reason = signal?.aborted ? packError(signal.reason) : undefined;
    return { kind: "signal", id, reason };
  }

  takeBack(): void {
    this.#channel.leave();
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this);
    this.#channel.leave();
  }
}

/** The signal that follows. */
export class SignalArrival implements Arrival {
  readonly #channel: Channel;
  readonly #controller = new AbortController();
  #isAsked = false;

  constructor(link: Link, { id, reason }: MovedSignal) {
    const { inlet } = this.#channel = new Channel(
      { ended: () => this.#controller.abort(inlet.error) },
      { in: 0, out: 0 },
    );
    this.#channel.join(link, id);
    // The job starts with a signal that has fired.
    if (reason) this.#controller.abort(unpackError(reason));
  }

  get value(): AbortSignal {
    if (!this.#isAsked) this.#channel.tell(FlowEvent.CALL);
    this.#isAsked = true;
    return this.#controller.signal;
  }

  end(): void {
    this.#channel.leave();
  }
}
