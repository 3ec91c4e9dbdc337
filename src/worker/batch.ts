// Runs a batch: calls a handler with one item after the other, until an item
// takes long, fails, or returns more than plain data.

import { getContext, setContext } from "../values/async_context.ts";
import { apply, performanceNow } from "../values/intrinsics.ts";
import { isPrimitive } from "../values/cloneable.ts";
import { toText } from "../values/plain_text.ts";
import { BATCH_LETTERS, BATCH_TIME, type BatchResult } from "../wire/batch.ts";
import type { Ending } from "../wire/protocol.ts";
import type { Handler } from "./handlers.ts";
import { isThenable } from "../values/thenable.ts";

/** Less exact, but half the cost: read after each item. */
const dateNow = Date.now;

/** Calls a handler with each of these items. */
export function runBatch(
  handler: Handler,
  items: unknown[],
): BatchResult | Promise<BatchResult> {
  return new Batch(handler, items).run();
}

class Batch {
  readonly #handler: Handler;
  readonly #items: unknown[];
  readonly #context = getContext();
  readonly #begun = performanceNow();
  readonly #begunDate = dateNow();
  readonly #values: unknown[] = [];
  readonly #texts: number[] = [];
  #letters = 0;

  constructor(handler: Handler, items: unknown[]) {
    this.#handler = handler;
    this.#items = items;
  }

  run(): BatchResult | Promise<BatchResult> {
    const { length } = this.#items;
    while (this.#values.length < length) {
      let value: unknown;
      try {
        const item = this.#items[this.#values.length];
        // The previous item may have entered another async context.
        setContext(this.#context);
        value = apply(this.#handler.call, undefined, [item]);
        if (isThenable(value)) return this.#await(value);
      } catch (thrown) {
        return this.#endFailed(thrown);
      }
      if (!this.#keep(value)) return this.#endWith(value);
      if (this.#isEnough) break;
    }
    return this.#end();
  }

  async #await(promise: PromiseLike<unknown>): Promise<BatchResult> {
    let value: unknown;
    try {
      value = await promise;
    } catch (thrown) {
      return this.#endFailed(thrown);
    }
    if (!this.#keep(value)) return this.#endWith(value);
    return this.#isEnough ? this.#end() : this.run();
  }

  /** Keeps a primitive or plain data, which nothing else can change. Returns `false` for other values. */
  #keep(value: unknown): boolean {
    const at = this.#values.length;
    let kept = value;
    if (!isPrimitive(value)) {
      kept = toText(value);
      if (kept === undefined) return false;
      this.#texts[this.#texts.length] = at;
    }
    if (typeof kept === "string") this.#letters += kept.length;
    this.#values[at] = kept;
    return true;
  }

  get #isEnough(): boolean {
    return this.#letters >= BATCH_LETTERS ||
      dateNow() - this.#begunDate > BATCH_TIME;
  }

  #end(ending?: Ending): BatchResult {
    const time = performanceNow() - this.#begun;
    return ending === undefined
      ? [time, this.#values, this.#texts]
      : [time, this.#values, this.#texts, ending];
  }

  async #endWith(value: unknown): Promise<BatchResult> {
    const { endingWith } = await import("./posted_endings.ts");
    return this.#end(endingWith(this.#handler, value));
  }

  async #endFailed(thrown: unknown): Promise<BatchResult> {
    const { failureOf } = await import("./posted_endings.ts");
    return this.#end(failureOf(this.#handler, thrown));
  }
}
