// The results of a map between their jobs and their reader: in the order of their
// items, or as they come.

import type { Job } from "../job/job.ts";

/** Items that share a job, and what they have come to. */
export class Portion {
  /** Their job, once there is one. */
  job: Job | undefined = undefined;
  /** When it was sent, in ms, if it is a single item. */
  sent = 0;
  /** About how many bytes it holds: on the way there the items, on the way back the results. */
  bytes = 0;
  /** The results, those of the first items first. */
  values: unknown[] = [];
  /** How many items after these have failed. */
  failures = 0;
  /** What they have failed with. */
  error: unknown = undefined;
  /** Whether that ends the map in any case. */
  isFatal = false;
  isSettled = false;
  /** Its number among those in flight. */
  number = 0;
  /** Whether nobody wants its results any more. */
  isDropped = false;
  /** How many results have been read. */
  read = 0;
  next: Portion | undefined = undefined;

  constructor(public items: unknown[]) {}

  /** How many results have not been read. */
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

  /** The items of a portion are on their way, after all others, or right after some. */
  expect(portion: Portion, after = this.#last): void {
    if (this.#isOrdered) this.#insert(portion, after);
  }

  /** The results of a portion are there. */
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

  /** The portion that is read next, if it has come. */
  peek(): Portion | undefined {
    while (this.#first?.isSettled) {
      const first = this.#first;
      if (first.left > 0) return first;
      this.#first = first.next;
      // It would keep all that came later.
      first.next = undefined;
      if (this.#first === undefined) this.#last = undefined;
    }
    return undefined;
  }

  /** The portion that the reader gets, or waits for. */
  get first(): Portion | undefined {
    this.peek();
    return this.#first;
  }

  /** The portions that are read after one, where there is an order. */
  *after(portion: Portion): Generator<Portion> {
    for (let next = portion.next; next; next = next.next) yield next;
  }

  /** Forgets all, and gives the results that were not read. */
  clear(): unknown[] {
    const unread: unknown[] = [];
    for (let next = this.#first; next; next = next.next) {
      unread.push(...next.values.slice(next.read));
    }
    this.#first = this.#last = undefined;
    return unread;
  }
}
