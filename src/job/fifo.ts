// A list that is taken from at its front. `Array.shift` moves all that is left.

/** First in, first out. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the first item. */
  shift(): Item | undefined {
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    // What was taken goes once it is half of the list, so that each move is paid for.
    if (2 * this.#first >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
