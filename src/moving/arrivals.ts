// How each value that was described by its sender arrives.

import type { Link } from "../flow/link.ts";
import { RequestArrival, ResponseArrival } from "./http.ts";
import {
  type Arrival,
  type Moved,
  type MovedConnection,
  type MovedDescriptor,
  type MovedList,
  whenClosed,
} from "./moved.ts";
import { ReadableArrival } from "./readable.ts";
import { SignalArrival } from "./signal.ts";
import { ValueArrival } from "./values.ts";
import { TransformArrival } from "./transform.ts";
import { WritableArrival } from "./writable.ts";

/** Makes the arrival of a connection, where there are any. */
export type Accept = (
  link: Link,
  moved: MovedConnection | MovedDescriptor,
) => Arrival;

/** All that has arrived with one value. */
export class Arrivals {
  readonly #all: Arrival[] = [];

  /** Puts what has arrived into a value, where its placeholders are; gives the value. */
  revive(
    value: unknown,
    list: MovedList,
    link: Link,
    accept?: Accept,
  ): unknown {
    // All are joined before a value is asked for: that may be one which cannot be made.
    for (const [, moved] of list) this.#all.push(arrive(link, moved, accept));
    const revived = new Map<unknown, unknown>(
      list.map(([placeholder], i) => [placeholder, this.#all[i].value]),
    );
    return replace(value, revived, new Set());
  }

  /** Whether something is still joined to its original. */
  get isOpen(): boolean {
    return this.#all.some((arrival) => arrival.isOpen);
  }

  /** Calls back when nothing is. */
  whenClosed(callback: () => void): void {
    whenClosed(this.#all, callback);
  }

  /** The job has started. */
  start(): void {
    for (const arrival of this.#all) arrival.start?.();
  }

  /** The caller has aborted the job. */
  abort(): void {
    for (const arrival of this.#all) arrival.abort?.();
  }

  /** The job has ended. */
  end(failure?: { thrown: unknown }): void {
    for (const arrival of this.#all) arrival.end(failure);
  }
}

function arrive(link: Link, moved: Moved, accept?: Accept): Arrival {
  switch (moved.kind) {
    case "connection":
    case "descriptor":
      return accept!(link, moved);
    case "readable":
      return new ReadableArrival(link, moved);
    case "writable":
      return new WritableArrival(link, moved);
    case "transform":
      return new TransformArrival(link, moved);
    case "signal":
      return new SignalArrival(link, moved);
    case "request":
      return new RequestArrival(link, moved);
    case "response":
      return new ResponseArrival(link, moved);
    case "value":
      return new ValueArrival(moved);
  }
}

/** A value with what has been revived in the place of what stood for it. */
function replace(
  value: unknown,
  revived: Map<unknown, unknown>,
  seen: Set<object>,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (revived.has(value)) return revived.get(value);
  if (seen.has(value)) return value;
  seen.add(value);
  if (value instanceof Map) {
    const entries = [...value];
    value.clear();
    for (const [key, item] of entries) {
      value.set(replace(key, revived, seen), replace(item, revived, seen));
    }
  } else if (value instanceof Set) {
    const items = [...value];
    value.clear();
    for (const item of items) value.add(replace(item, revived, seen));
  } else if (Array.isArray(value) || isPlainObject(value)) {
    for (const key of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[key];
      const replaced = replace(item, revived, seen);
      if (replaced !== item) (value as Record<string, unknown>)[key] = replaced;
    }
  }
  return value;
}

function isPlainObject(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}
