// An `AbortSignal` that follows another one in the thread from which it came.

import { packError, unpackError } from "../values/error_codec.ts";
import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { Op } from "../flow/op.ts";
import type { Arrival, Departure, MovedSignal } from "./moved.ts";

/** The signal that is followed. */
export class SignalDeparture implements Departure {
  readonly #channel = new Channel(
    { called: () => this.#follow(), failed: () => this.close() },
    { in: 0, out: 0 },
  );
  readonly #get: () => AbortSignal;
  #signal: AbortSignal | undefined;
  readonly isOpen = false;

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
  readonly isOpen = false;
  #isAsked = false;

  constructor(link: Link, { id, reason }: MovedSignal) {
    const { inlet } = this.#channel = new Channel({
      ended: () => this.#controller.abort(inlet.error),
    }, { in: 0, out: 0 });
    this.#channel.join(link, id);
    // The job must not start as if it had not.
    if (reason) this.#controller.abort(unpackError(reason));
  }

  get value(): AbortSignal {
    if (!this.#isAsked) this.#channel.tell(Op.CALL);
    this.#isAsked = true;
    return this.#controller.signal;
  }

  end(): void {
    this.#channel.leave();
  }
}
