// How each value that is no clone where it arrives departs.

import type { Link } from "../flow/link.ts";
import type { Departing, Kind } from "../values/pack.ts";
import { classNameOf } from "../values/names.ts";
import { RequestDeparture, ResponseDeparture } from "./http.ts";
import { type Departure, type MovedList, whenClosed } from "./moved.ts";
import { ReadableDeparture } from "./readable.ts";
import { SignalDeparture } from "./signal.ts";
import { ValueDeparture } from "./values.ts";
import { TransformDeparture } from "./transform.ts";
import { WritableDeparture } from "./writable.ts";

/** Makes the departure of a connection, where there are any. */
export type Connect = (conn: Deno.Conn) => Departure;

/** All that departs with one value. */
export class Departures {
  readonly #all: Departure[];
  readonly #departing: Departing;
  readonly #isOnce: boolean;

  /**
   * From here on the values are the pool's.
   *
   * @param connect Makes departures of connections; without it all is sent once
   */
  constructor(departing: Departing, connect?: Connect) {
    this.#isOnce = connect === undefined;
    this.#departing = departing;
    this.#all = departing.map(({ value, kind, data }) => {
      return depart(value, kind, data, connect);
    });
  }

  /** How many bytes go with their descriptions. */
  get size(): number {
    return this.#all.reduce((sum, { size = 0 }) => sum + size, 0);
  }

  /** Whether what is there of them already is still to be known. */
  get isPending(): boolean {
    return this.#all.some((departure) => departure.isPending);
  }

  /** Whether something of them is still to be sent, or to come. */
  get isOpen(): boolean {
    return this.#all.some((departure) => departure.isOpen);
  }

  /** Calls back when it is known of one of them. */
  whenReady(callback: () => void): void {
    for (const departure of this.#all) departure.onReady = callback;
  }

  /** Describes all for the other thread. */
  send(link: Link): MovedList {
    return this.#departing.map(({ placeholder }, i) => {
      return [placeholder, this.#all[i].send(link, this.#isOnce)];
    });
  }

  /** Undoes that. */
  takeBack(): void {
    for (const departure of this.#all) departure.takeBack();
  }

  /** Calls back when nothing is open any more; what is followed, and never open, is let go then. */
  whenClosed(callback: () => void): void {
    whenClosed(this.#all, () => {
      this.close(undefined);
      callback();
    });
  }

  /** Closes all that is still open, for this reason. */
  close(reason: unknown): void {
    for (const departure of this.#all) departure.close(reason);
  }
}

function depart(
  value: object,
  kind: Kind,
  data: unknown,
  connect?: Connect,
): Departure {
  const isOnce = connect === undefined;
  switch (kind) {
    case "connection":
      return connect!(value as Deno.Conn);
    case "readable":
      return new ReadableDeparture(value as ReadableStream, isOnce);
    case "writable":
      return new WritableDeparture(value as WritableStream);
    case "transform":
      return new TransformDeparture(value as TransformStream, isOnce);
    case "signal":
      return new SignalDeparture(() => value as AbortSignal, false);
    case "request":
      return new RequestDeparture(value as Request, isOnce);
    case "response":
      return new ResponseDeparture(value as Response, isOnce);
    case "value":
      return new ValueDeparture(classNameOf(value), data);
  }
}
