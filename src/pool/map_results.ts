// Holds the results of a map until they are read: in the order of their items,
// or as they arrive.

import type { Job } from "../job/job.ts";

/** Items that share a job, and their results. */
export class Portion {
  /** Job of the items, once it is submitted. */
  job: Job | undefined = undefined;
  /** Time in ms at which it was sent, if it is a single item. */
  sent = 0;
  /** Approximate size in bytes: of the items while the job runs, then of the results. */
  bytes = 0;
  /** Results of the first items, in order. */
  values: unknown[] = [];
  /** Number of items after these that have failed. */
  failures = 0;
  /** Error of the failed items. */
  error: unknown = undefined;
  /** Whether the error ends the map in any case. */
  isFatal = false;
  isSettled = false;
  /** Key among the portions in flight. */
  number = 0;
  /** Whether the results are no longer needed. */
  isDropped = false;
  /** Number of results that have been read. */
  read = 0;
  next: Portion | undefined = undefined;

  constructor(public items: unknown[]) {}

  /** Number of results that have not been read. */
  get left(): number {
    return this.values.length + this.failures - this.read;
  }
}

/** Portions in the order in which they are read. */
export class Results {
  readonly #isOrdered: boolean;
  #first: Portion | undefined;
  #last: Portion | undefined;

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered;
  }

  /** Adds a portion that is sent, at the end or right after another portion. */
  expect(portion: Portion, after = this.#last): void {
    if (this.#isOrdered) this.#insert(portion, after);
  }

  /** Marks a portion as settled, so its results can be read. */
  settle(portion: Portion): void {
    portion.isSettled = true;
    if (!this.#isOrdered) this.#insert(portion, this.#last);
  }

  #insert(portion: Portion, after: Portion | undefined): void {
    if (after === undefined) this.#first = portion;
    else {
      portion.next = after.next;
      after.next = portion;
    }
    if (this.#last === after) this.#last = portion;
  }

  /** Returns the portion that is read next, if it has settled. */
  peek(): Portion | undefined {
    while (this.#first?.isSettled) {
      const first = this.#first;
      if (first.left > 0) return first;
      this.#first = first.next;
      // The link would keep all later portions in memory.
      first.next = undefined;
      if (this.#first === undefined) this.#last = undefined;
    }
    return undefined;
  }

  /** Portion that is read next, settled or not. */
  get first(): Portion | undefined {
    this.peek();
    return this.#first;
  }

  /** Yields the portions that are read after this one, if results are ordered. */
  *after(portion: Portion): Generator<Portion> {
    for (let next = portion.next; next; next = next.next) yield next;
  }

  /** Removes all portions, and returns the unread results. */
  clear(): unknown[] {
    const unread: unknown[] = [];
    for (let next = this.#first; next; next = next.next) {
      unread.push(...next.values.slice(next.read));
    }
    this.#first = this.#last = undefined;
    return unread;
  }
}
