// A linked list, which an entry can leave from anywhere at the same cost. It then
// loses its neighbors, because they would keep all later entries in memory.

/** An entry of a line. */
export interface InLine<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** First in, first out, with removal from the middle. */
export class Line<T extends InLine<T>> {
  first: T | undefined;
  #last: T | undefined;

  /** Adds an entry at the end. */
  push(one: T): void {
    one.previous = this.#last;
    if (this.#last) this.#last.next = one;
    else this.first = one;
    this.#last = one;
  }

  /** Puts an entry at the front. */
  unshift(one: T): void {
    one.next = this.first;
    if (this.first) this.first.previous = one;
    else this.#last = one;
    this.first = one;
  }

  /** Removes an entry from anywhere. Returns `false` if it is not in this line. */
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
