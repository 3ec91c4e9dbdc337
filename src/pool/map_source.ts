// What a map pulls its items from: an iterable of either kind, or a stream.

import { expected } from "../expected.ts";
import { isThenable } from "../values/thenable.ts";

/** What may hold the items of a map; a text, which is iterable, is an item itself. */
export type ItemSource<Item> =
  | (Iterable<Item | PromiseLike<Item>> & object)
  | AsyncIterable<Item>
  | ReadableStream<Item>;

/** The next item, or the end. */
export type Step = { done?: boolean; value?: unknown };

/** Items that are pulled one at a time. */
export interface Source {
  /** The next item, now or later; called again only after that. */
  pull(): Step | PromiseLike<Step>;
  /**
   * Lets the source go before its end.
   *
   * @param reason Why
   * @param isPulled Whether an item that was asked for has not come
   */
  end(reason: unknown, isPulled: boolean): PromiseLike<unknown> | undefined;
  /** It has ended by itself. */
  ended?(): void;
}

/** Opens a source; nothing is pulled yet. */
export function openSource(items: unknown): Source {
  if (items instanceof ReadableStream) return new StreamSource(items);
  if (typeof items !== "object" || items === null) throw notIterable(items);
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } =
    items as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  if (typeof later === "function") {
    return new IteratorSource(later.call(items) as AsyncIterator<unknown>);
  }
  if (typeof now === "function") {
    return new SyncSource(now.call(items) as Iterator<unknown>);
  }
  throw notIterable(items);
}

function notIterable(items: unknown): TypeError {
  return expected(
    "items",
    "an iterable, an async iterable or a ReadableStream",
    items,
    typeof items === "string" && "[item], or split the text",
  );
}

class IteratorSource implements Source {
  constructor(readonly iterator: AsyncIterator<unknown> | Iterator<unknown>) {}

  pull(): Step | PromiseLike<Step> {
    return this.iterator.next();
  }

  end(_: unknown, isPulled: boolean): PromiseLike<unknown> | undefined {
    const ended = Promise.resolve(this.iterator.return?.());
    if (!isPulled) return ended;
    // A generator ends when what it waits for has come, which may be never.
    ended.catch(() => {});
  }
}

/** As `for await` does, waits for items that are promises. */
class SyncSource extends IteratorSource {
  override pull(): Step | PromiseLike<Step> {
    const step = this.iterator.next() as IteratorResult<unknown>;
    if (step.done || !isThenable(step.value)) return step;
    return this.#settled(step.value);
  }

  async #settled(promise: PromiseLike<unknown>): Promise<Step> {
    try {
      return { value: await promise };
    } catch (error) {
      // Nothing is pulled after that, and the iterator knows nothing of it.
      try {
        this.iterator.return?.();
      } catch {
        // As in any loop, the first error is what counts.
      }
      throw error;
    }
  }
}

class StreamSource implements Source {
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  pull(): PromiseLike<Step> {
    return this.#reader.read();
  }

  async end(reason: unknown): Promise<void> {
    try {
      await this.#reader.cancel(reason);
    } finally {
      this.#reader.releaseLock();
    }
  }

  ended(): void {
    this.#reader.releaseLock();
  }
}
