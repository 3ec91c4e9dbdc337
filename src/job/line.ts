// A line of jobs, or of others: a linked list, so that each leaves from anywhere at
// the same cost. One that has left points to none: it would keep all that came later.

/** What stands in a line. */
export interface InLine<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** First in, first out, with removal from the middle. */
export class Line<T extends InLine<T>> {
  first: T | undefined;
  #last: T | undefined;

  /** Adds one at the end. */
  push(one: T): void {
    one.previous = this.#last;
    if (this.#last) this.#last.next = one;
    else this.first = one;
    this.#last = one;
  }

  /** Puts one at the front. */
  unshift(one: T): void {
    one.next = this.first;
    if (this.first) this.first.previous = one;
    else this.#last = one;
    this.first = one;
  }

  /** Takes one out, wherever it stands; `false` if it is not in this line. */
  remove(one: T): boolean {
    const { previous, next } = one;
    if (previous === undefined && this.first !== one) return false;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    one.previous = one.next = undefined;
    return true;
  }
}
