// The iterator behind `map()`: pulls items from a source, up to a window ahead
// of the reader, submits them to the pool, and returns the results.

import type { MapJobs } from "./map_jobs.ts";
import { MapPace } from "./map_pace.ts";
import { type Portion, Results } from "./map_results.ts";
import { MapItems } from "./map_items.ts";
import { MapPull } from "./map_pull.ts";
import type { Source } from "./map_source.ts";

/** Checked settings of a map. */
export interface MapSettings {
  window?: number;
  ordered: boolean;
  onError: "throw" | "collect";
  signal?: AbortSignal;
}

type Read = IteratorResult<unknown, undefined>;

/** Iterator over the results of a job for each of many items. */
export class JobMap implements AsyncIterableIterator<unknown>, AsyncDisposable {
  readonly #jobs: MapJobs;
  readonly #pull: MapPull;
  readonly #settings: MapSettings;
  readonly #results: Results;
  readonly #pace: MapPace;
  readonly #items: MapItems;
  /** Reads that wait for a result. */
  readonly #readers: ((read: Promise<Read>) => void)[] = [];
  #hasBegun = false;
  /** Error that the map throws after the last result. */
  #tail: { error: unknown } | undefined;
  #isOver = false;

  constructor(jobs: MapJobs, source: Source, settings: MapSettings) {
    this.#jobs = jobs;
    this.#settings = settings;
    this.#results = new Results(settings.ordered);
    this.#pace = new MapPace(jobs, jobs.mayShare, settings.window);
    this.#items = new MapItems(jobs, this.#results, this.#pace, {
      isAwaited: () => this.#readers.length > 0,
      settled: (portion) => this.#settled(portion),
      hasRoom: () => this.#pull.pump(),
    });
    this.#pull = new MapPull(source, jobs, this.#items, (failure) => {
      this.#ended(failure);
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Read> {
    if (!this.#hasBegun) this.#begin();
    if (this.#readers.length === 0) {
      const read = this.#read();
      if (read) return read;
    }
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#items.flush();
      this.#pull.pump();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.end(new DOMException("The loop was left", "AbortError"));
    return { done: true, value: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end(new DOMException("The map was disposed of", "AbortError"));
  }

  /** Ends the map early: aborts its jobs, and resolves when the source has ended. */
  async end(reason: unknown): Promise<void> {
    if (!this.#isOver) {
      this.#hasBegun = true;
      this.#drop(reason);
      this.#finish();
    }
    await this.#pull.sourceEnd;
  }

  #begin(): void {
    this.#hasBegun = true;
    const { signal } = this.#settings;
    this.#jobs.lifetime.givers.add(this.#giver);
    signal?.addEventListener("abort", this.#onAbort);
    if (this.#jobs.lifetime.refuses) this.#refused();
    if (signal?.aborted) this.#onAbort();
  }

  #finish(): void {
    this.#isOver = true;
    this.#ignore();
    this.#wake();
  }

  /** Stops listening to the pool and the signal. */
  #ignore(): void {
    this.#jobs.lifetime.givers.delete(this.#giver);
    this.#settings.signal?.removeEventListener("abort", this.#onAbort);
  }

  /** Stops listening if nothing is left: a reader that counts may never read the end. */
  #ignoreAtEnd(): void {
    if (this.#items.held === 0 && this.#pull.isClosed) this.#ignore();
  }

  readonly #onAbort = (): void => {
    // The reader may never read again.
    this.#ignore();
    const { reason } = this.#settings.signal!;
    this.#drop(reason);
    // The source may be waiting for something, so the map does not wait for it.
    this.#pull.sourceEnd = undefined;
    this.#tail = { error: reason };
    this.#wake();
  };

  readonly #giver = {
    refused: () => this.#refused(),
    resized: () => {
      this.#items.flush();
      this.#pull.pump();
    },
  };

  /** Stops pulling, because the pool refuses new jobs. Submitted jobs continue. */
  #refused(): void {
    if (this.#pull.isClosed) return;
    const error = this.#jobs.lifetime.refusal();
    this.#tail = { error };
    this.#close(error);
    this.#wake();
  }

  // The reader.

  /** Returns the next result or the end; `undefined` if neither has arrived. */
  #read(): Promise<Read> | undefined {
    const portion = this.#results.peek();
    if (portion === undefined) return this.#readEnd();
    const at = portion.read++;
    const { values, error } = portion;
    this.#items.held--;
    if (portion.left === 0) this.#items.release(portion.bytes);
    this.#ignoreAtEnd();
    const collects = this.#settings.onError === "collect";
    if (at >= values.length) {
      if (!collects || portion.isFatal) return this.#fail(error);
      if (this.#mayPump) this.#pull.pump();
      return result({ status: "rejected", reason: error });
    }
    const value = values[at];
    // From now on, only the reader holds the value.
    values[at] = undefined;
    if (this.#mayPump) this.#pull.pump();
    return result(collects ? { status: "fulfilled", value } : value);
  }

  #readEnd(): Promise<Read> | undefined {
    if (!this.#isOver) {
      if (!this.#pull.isClosed || this.#items.held > 0) return undefined;
      if (this.#tail) return this.#fail(this.#tail.error);
      this.#finish();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the map with an error, after its source has ended. */
  async #fail(error: unknown): Promise<never> {
    this.#drop(error);
    this.#finish();
    // A terminated pool does not wait for the source.
    const sourceEnd = this.#jobs.lifetime.isStopped
      ? undefined
      : this.#pull.sourceEnd;
    this.#pull.sourceEnd = undefined;
    try {
      await sourceEnd;
    } catch {
      // As in any loop, the first error counts.
    }
    throw error;
  }

  /** Settles waiting reads, as far as results or the end have arrived. */
  #wake(): void {
    for (let reader; (reader = this.#readers.shift());) {
      const read = this.#read();
      if (read === undefined) return void this.#readers.unshift(reader);
      reader(read);
    }
  }

  // The end.

  /** Stops pulling, and discards items that have never been sent. */
  #close(reason: unknown): void {
    this.#items.dropPending(reason);
    this.#pull.close(reason);
  }

  /** Stops pulling, aborts all jobs, and discards all items and unread results. */
  #drop(reason: unknown): void {
    this.#close(reason);
    for (const result of this.#results.clear()) {
      this.#jobs.discard(result, reason);
    }
    this.#items.held = 0;
    this.#items.drop(reason);
  }

  /** Called when a portion has its results. */
  #settled(portion: Portion): void {
    const { onError, ordered } = this.#settings;
    const { failures, error, isFatal } = portion;
    if (failures > 0 && (onError === "throw" || isFatal)) {
      this.#close(error);
      // Results before the error can still be read.
      this.#items.drop(
        error,
        ordered ? this.#results.after(portion) : undefined,
      );
    }
    this.#wake();
    this.#pull.pump();
  }

  // The source.

  /** Whether the window has enough room to make pulling worthwhile. */
  get #mayPump(): boolean {
    return this.#pull.isReady &&
      this.#items.held <= this.#pace.window - this.#pace.sharing;
  }

  /** Called when the source has ended, or failed. */
  #ended(failure: { error: unknown } | undefined): void {
    if (failure) this.#tail = failure;
    this.#items.flush();
    this.#wake();
    this.#ignoreAtEnd();
  }
}

function result(value: unknown): Promise<Read> {
  return Promise.resolve({ done: false, value });
}
