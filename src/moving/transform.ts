// A `TransformStream` that moves: what is written where it arrives is transformed
// in the thread that it leaves, and comes back to be read.

import type { Link } from "../flow/link.ts";
import {
  type Arrival,
  type Departure,
  type MovedTransform,
  whenClosed,
} from "./moved.ts";
import { ReadableArrival, ReadableDeparture } from "./readable.ts";
import { WritableArrival, WritableDeparture } from "./writable.ts";

/** A stream in the thread that it leaves. */
export class TransformDeparture implements Departure {
  readonly #readable: ReadableDeparture;
  readonly #writable: WritableDeparture;

  /** @param isOnce Whether it will be sent once, so that much of it may be sent with it */
  constructor({ readable, writable }: TransformStream, isOnce: boolean) {
    this.#readable = new ReadableDeparture(readable, isOnce);
    this.#writable = new WritableDeparture(writable);
  }

  get isOpen(): boolean {
    return this.#readable.isOpen || this.#writable.isOpen;
  }

  set onClosed(callback: () => void) {
    whenClosed([this.#readable, this.#writable], callback);
  }

  send(link: Link, isOnce: boolean): MovedTransform {
    return {
      kind: "transform",
      readable: this.#readable.send(link, isOnce),
      writable: this.#writable.send(link),
    };
  }

  takeBack(): void {
    this.#readable.takeBack();
    this.#writable.takeBack();
  }

  close(reason: unknown): void {
    this.#readable.close(reason);
    this.#writable.close(reason);
  }
}

/** A stream in the thread to which it has moved. */
export class TransformArrival implements Arrival {
  readonly #readable: ReadableArrival;
  readonly #writable: WritableArrival;
  #value: TransformStream | undefined;

  constructor(link: Link, { readable, writable }: MovedTransform) {
    this.#readable = new ReadableArrival(link, readable);
    this.#writable = new WritableArrival(link, writable);
  }

  /** The stream: made of its two sides, which no constructor takes. */
  get value(): TransformStream {
    return this.#value ??= Object.create(TransformStream.prototype, {
      readable: { value: this.#readable.value },
      writable: { value: this.#writable.value },
    });
  }

  get isOpen(): boolean {
    return this.#readable.isOpen || this.#writable.isOpen;
  }

  set onClosed(callback: () => void) {
    whenClosed([this.#readable, this.#writable], callback);
  }

  end(failure?: { thrown: unknown }): void {
    // One that is not read would hold up what is still to be written.
    this.#readable.end();
    this.#writable.end(failure);
  }
}
