// What moves with one value, in the thread that it leaves.

import type { Link } from "../flow/link.ts";
import type { Departing } from "../values/departing.ts";
import type { Cargo } from "./cargo.ts";
import {
  type Connect,
  type Departure,
  type MovedList,
  whenClosed,
} from "./kind.ts";
import { KINDS } from "./kinds.ts";

/** All that departs with one value. */
export class Departures implements Cargo {
  readonly #departing: Departing;
  readonly #all: Departure[];

  /**
   * From here on the values are the pool's.
   *
   * @param connect Makes departures of connections; without it all is sent only once
   */
  constructor(departing: Departing, connect?: Connect) {
    const isOnce = connect === undefined;
    this.#departing = departing;
    this.#all = departing.map(({ value, kind, data }) => {
      return KINDS[kind].depart(value, { isOnce, data, connect });
    });
  }

  get size(): number {
    return this.#all.reduce((sum, { size = 0 }) => sum + size, 0);
  }

  get isPending(): boolean {
    return this.#all.some(({ isPending }) => isPending);
  }

  /** Whether something of them is still to be sent, or to come. */
  get isOpen(): boolean {
    return this.#all.some(({ isOpen }) => isOpen);
  }

  whenReady(callback: () => void): void {
    for (const departure of this.#all) departure.onReady = callback;
  }

  send(link: Link): MovedList {
    return this.#departing.map(({ placeholder }, i) => {
      return [placeholder, this.#all[i].send(link)];
    });
  }

  takeBack(): void {
    for (const departure of this.#all) departure.takeBack?.();
  }

  whenClosed(callback: () => void): void {
    whenClosed(this.#all, () => {
      // What is only followed is never open, and is let go now.
      this.close(undefined);
      callback();
    });
  }

  close(reason: unknown): void {
    for (const departure of this.#all) departure.close?.(reason);
  }
}
