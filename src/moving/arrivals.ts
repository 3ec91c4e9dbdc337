// What has moved with one value, in the thread to which it came.

import type { Link } from "../flow/link.ts";
import { type Arrival, type MovedList, whenClosed } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { YieldsArrival } from "./yields.ts";

/** All that has arrived with one value. */
export class Arrivals {
  #all: Arrival[] = [];

  /** Puts what has arrived into a value, where its placeholders are; gives the value. */
  revive(value: unknown, list: MovedList, link: Link): unknown {
    // All are joined before one is made of them, which may throw.
    this.#all = list.map(([, moved]) => KINDS[moved.kind].arrive(link, moved));
    const revived = new Map<unknown, unknown>(
      list.map(([placeholder], i) => [placeholder, this.#all[i].value]),
    );
    return replace(value, revived, new Set());
  }

  /** Whether something is still joined to its original. */
  get isOpen(): boolean {
    return this.#all.some(({ isOpen }) => isOpen);
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

  /** Where what the job yields goes, if it is a generator. */
  get yields(): YieldsArrival | undefined {
    return this.#all.find((one) => one instanceof YieldsArrival);
  }

  /** The job reports a value. */
  report(value: unknown): void {
    for (const arrival of this.#all) arrival.report?.(value);
  }

  /** The handler has ended. */
  flush(): void {
    for (const arrival of this.#all) arrival.flush?.();
  }

  /** The job has ended. */
  end(failure?: { thrown: unknown }): void {
    for (const arrival of this.#all) arrival.end?.(failure);
  }
}

/** A value with what was revived in place of what stood for it. */
function replace(
  value: unknown,
  revived: Map<unknown, unknown>,
  seen: Set<object>,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (revived.has(value)) return revived.get(value);
  if (seen.has(value)) return value;
  seen.add(value);
  const other = (item: unknown) => replace(item, revived, seen);
  if (value instanceof Map) {
    const entries = [...value];
    value.clear();
    for (const [key, item] of entries) value.set(other(key), other(item));
  } else if (value instanceof Set) {
    const items = [...value];
    value.clear();
    for (const item of items) value.add(other(item));
  } else if (
    Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  ) {
    const parts = value as Record<string, unknown>;
    for (const key of Object.keys(parts)) {
      const replaced = other(parts[key]);
      if (replaced !== parts[key]) parts[key] = replaced;
    }
  }
  return value;
}
