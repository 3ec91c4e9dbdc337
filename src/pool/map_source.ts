// The sources of a map's items: iterables, async iterables and streams.

import { expected } from "../expected.ts";
import { isThenable } from "../values/thenable.ts";

/** Source of a map's items. A string, although iterable, is not a source but an item. */
export type ItemSource<Item> =
  | (Iterable<Item | PromiseLike<Item>> & object)
  | AsyncIterable<Item>
  | ReadableStream<Item>;

/** The next item, or the end. */
export type Step = { done?: boolean; value?: unknown };

/** Source from which items are pulled one at a time. */
export interface Source {
  /** Returns the next item or its promise; not called again before the item arrives. */
  pull(): Step | PromiseLike<Step>;
  /**
   * Ends the source early.
   *
   * @param reason Why
   * @param isPulled Whether a requested item has not arrived
   */
  end(reason: unknown, isPulled: boolean): PromiseLike<unknown> | undefined;
  /** Called when the source has ended by itself. */
  ended?(): void;
}

/** Opens a source without pulling an item. */
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
    // A generator ends only after what it waits for, which may never come.
    ended.catch(() => {});
  }
}

/** Awaits items that are promises, as `for await` does. */
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
      // The iterator does not know of the rejection, so the map ends it.
      try {
        this.iterator.return?.();
      } catch {
        // As in any loop, the first error counts.
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
