// A map: pulls items from its source, a window ahead of its reader, gives them to
// the pool, and gives the results to the reader.

import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { type MapJobs, MOST_BYTES } from "./map_jobs.ts";
import { MapPace } from "./map_pace.ts";
import { Portion, Results } from "./map_results.ts";
import { isThenable, type Source, type Step } from "./map_source.ts";

/** How a map goes on, checked. */
export interface MapSettings {
  window?: number;
  ordered: boolean;
  onError: "throw" | "collect";
  signal?: AbortSignal;
}

/** So many letters of texts share a job, so that they travel as plain data. */
const MOST_LETTERS = 48 * 1024;

type Read = IteratorResult<unknown, undefined>;

/** The results of a job for each of many items. */
export class JobMap implements AsyncIterableIterator<unknown>, AsyncDisposable {
  readonly #jobs: MapJobs;
  readonly #source: Source;
  readonly #settings: MapSettings;
  readonly #results: Results;
  readonly #pace: MapPace;
  readonly #inFlight = new Set<Portion>();
  /** Those who have asked for a result that is not there. */
  readonly #readers: ((read: Promise<Read>) => void)[] = [];
  /** Items that were pulled, and have no job. */
  #pending: unknown[] = [];
  #pendingLetters = 0;
  /** Parts of batches that have not run, and go before those. */
  readonly #again: Portion[] = [];
  /** How many items were pulled whose results have not been read. */
  #held = 0;
  /** About how many bytes they hold. */
  #bytes = 0;
  #hasBegun = false;
  /** Whether an item was asked for that has not come. */
  #isPulling = false;
  #isFlushDue = false;
  /** Waits for room in the pool. */
  #roomWait: AbortController | undefined;
  /** Whether nothing more is pulled. */
  #isClosed = false;
  /** The source lets go, if it has not ended by itself. */
  #sourceEnd: PromiseLike<unknown> | undefined;
  /** What the map fails with after the last result. */
  #tail: { error: unknown } | undefined;
  #isOver = false;

  constructor(jobs: MapJobs, source: Source, settings: MapSettings) {
    this.#jobs = jobs;
    this.#source = source;
    this.#settings = settings;
    this.#results = new Results(settings.ordered);
    this.#pace = new MapPace(jobs.places, jobs.mayShare, settings.window);
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
      this.#pump();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.end(new DOMException("The loop was left", "AbortError"));
    return { done: true, value: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end(new DOMException("The map was disposed of", "AbortError"));
  }

  /** Nobody reads on: aborts what runs, and resolves when the source has let go. */
  async end(reason: unknown): Promise<void> {
    if (!this.#isOver) {
      this.#hasBegun = true;
      this.#drop(reason);
      this.#finish();
    }
    await this.#sourceEnd;
  }

  #begin(): void {
    this.#hasBegun = true;
    const { signal } = this.#settings;
    this.#jobs.onRefusal(this.#onRefusal);
    signal?.addEventListener("abort", this.#onAbort);
    if (this.#jobs.refusal) this.#onRefusal();
    if (signal?.aborted) this.#onAbort();
  }

  #finish(): void {
    this.#isOver = true;
    this.#jobs.offRefusal(this.#onRefusal);
    this.#settings.signal?.removeEventListener("abort", this.#onAbort);
    this.#wake();
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#settings.signal!;
    this.#drop(reason);
    // Nobody waits for a source that may itself wait for something.
    this.#sourceEnd?.then(undefined, () => {});
    this.#sourceEnd = undefined;
    this.#tail = { error: reason };
    this.#wake();
  };

  /** The pool takes no more jobs: what it has taken goes on. */
  readonly #onRefusal = (): void => {
    if (this.#isClosed) return;
    const error = this.#jobs.refusal;
    this.#tail = { error };
    this.#close(error);
    this.#wake();
  };

  // The reader.

  /** What is read next, if that is known. */
  #read(): Promise<Read> | undefined {
    const portion = this.#results.peek();
    if (portion === undefined) return this.#readEnd();
    const at = portion.read++;
    const { values, error } = portion;
    this.#held--;
    if (portion.left === 0) this.#bytes -= portion.bytes;
    const collects = this.#settings.onError === "collect";
    if (at >= values.length) {
      if (!collects || portion.isFatal) return this.#fail(error);
      return result({ status: "rejected", reason: error });
    }
    const value = values[at];
    // From now on the reader's alone.
    values[at] = undefined;
    if (this.#mayPump) this.#pump();
    return result(collects ? { status: "fulfilled", value } : value);
  }

  #readEnd(): Promise<Read> | undefined {
    if (!this.#isOver) {
      if (!this.#isClosed || this.#held > 0) return undefined;
      if (this.#tail) return this.#fail(this.#tail.error);
      this.#finish();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The map ends with an error, once its source has let go. */
  async #fail(error: unknown): Promise<never> {
    this.#drop(error);
    this.#finish();
    const sourceEnd = this.#sourceEnd;
    this.#sourceEnd = undefined;
    try {
      await sourceEnd;
    } catch {
      // As in any loop, the first error is what counts.
    }
    throw error;
  }

  /** Tells those who wait what is there by now. */
  #wake(): void {
    for (let reader; (reader = this.#readers.shift());) {
      const read = this.#read();
      if (read === undefined) return void this.#readers.unshift(reader);
      reader(read);
    }
  }

  // The end.

  /** Pulls nothing further, and sends nothing that has not left. */
  #close(reason: unknown): void {
    this.#held -= this.#pending.length;
    this.#pending = [];
    this.#roomWait?.abort();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endSource(reason);
  }

  #endSource(reason: unknown): void {
    try {
      this.#sourceEnd = this.#source.end(reason, this.#isPulling);
    } catch (error) {
      this.#sourceEnd = Promise.reject(error);
    }
    // It is waited for when the reader comes to the end.
    this.#sourceEnd?.then(undefined, () => {});
  }

  /** Nobody wants what is still on its way. */
  #drop(reason: unknown): void {
    this.#close(reason);
    this.#results.clear();
    this.#held = 0;
    this.#dropAll(this.#again, reason);
    this.#dropAll(this.#inFlight, reason);
  }

  /** Results that are read before the error of a portion are still wanted. */
  #dropAfter(failed: Portion): void {
    if (this.#settings.ordered) {
      this.#dropAll(this.#results.after(failed), failed.error);
    } else {
      this.#dropAll(this.#again, failed.error);
      this.#dropAll(this.#inFlight, failed.error);
    }
  }

  #dropAll(portions: Iterable<Portion>, reason: unknown): void {
    for (const portion of portions) {
      portion.isDropped = true;
      this.#jobs.abort(portion, reason);
    }
  }

  // The source.

  /** Whether there is room in the window for enough to be worth a look. */
  get #mayPump(): boolean {
    return !this.#isPulling && !this.#isClosed &&
      this.#held <= this.#pace.window - this.#pace.sharing;
  }

  get #mayPull(): boolean {
    if (this.#isPulling || this.#isClosed || this.#roomWait) return false;
    if (this.#held >= this.#pace.window) return false;
    if (this.#bytes >= MOST_BYTES && this.#held >= this.#jobs.places) {
      return false;
    }
    return this.#pending.length > 0 || this.#jobs.hasRoom || this.#awaitRoom();
  }

  /** Pulls as much as there is room for, and sends it. */
  #pump(): void {
    while (this.#mayPull) {
      let step: Step | PromiseLike<Step>;
      try {
        this.#isPulling = true;
        step = this.#source.pull();
      } catch (error) {
        this.#onSourceError(error);
        return;
      }
      if (isThenable(step)) {
        step.then(this.#onStep, this.#onSourceError);
        // What has come in this turn goes with its end, whatever comes later.
        if (this.#pending.length > 0 && !this.#isFlushDue) {
          this.#isFlushDue = true;
          atEndOfTurn(this.#onEndOfTurn);
        }
        return;
      }
      this.#isPulling = false;
      this.#take(step);
    }
    if (!this.#isPulling) this.#flush();
  }

  readonly #onStep = (step: Step): void => {
    this.#isPulling = false;
    if (this.#isClosed) return;
    this.#take(step);
    this.#pump();
  };

  readonly #onEndOfTurn = (): void => {
    this.#isFlushDue = false;
    this.#flush();
  };

  readonly #onSourceError = (error: unknown): void => {
    this.#isPulling = false;
    if (this.#isClosed) return;
    this.#tail = { error };
    this.#endOfSource();
  };

  #take({ done, value }: Step): void {
    if (done) return this.#endOfSource();
    this.#held++;
    this.#pending.push(value);
    if (typeof value === "string") this.#pendingLetters += value.length;
    const isFull = this.#pending.length >= this.#pace.sharing ||
      this.#pendingLetters >= MOST_LETTERS;
    if (isFull) this.#flush();
  }

  #endOfSource(): void {
    this.#flush();
    this.#isClosed = true;
    this.#wake();
  }

  // The pool.

  /** Waits until the pool has room; `false`, since it has none. */
  #awaitRoom(): false {
    if (this.#roomWait) return false;
    const wait = this.#roomWait = new AbortController();
    const goOn = () => {
      this.#roomWait = undefined;
      this.#flush();
      this.#pump();
    };
    // When the pool ends, sending says so.
    this.#jobs.waitForRoom(wait.signal).then(goOn, goOn);
    return false;
  }

  /** Sends what has been pulled, as far as the pool has room. */
  #flush(): void {
    while (this.#again.length + this.#pending.length > 0) {
      if (!this.#jobs.hasRoom && !this.#jobs.refusal) {
        this.#awaitRoom();
        return;
      }
      this.#send(this.#again.shift() ?? this.#nextPortion());
    }
  }

  #nextPortion(): Portion {
    const items = this.#pending;
    this.#pending = items.length > this.#pace.sharing
      ? items.splice(this.#pace.sharing)
      : [];
    this.#pendingLetters = 0;
    const portion = new Portion(items);
    this.#results.expect(portion);
    return portion;
  }

  #send(portion: Portion): void {
    if (portion.isDropped) return;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const { length } = portion.items;
    try {
      if (!this.#jobs.send(portion, resolve)) {
        const half = length >> 1;
        this.#pace.failed(length, half);
        this.#putBack(portion, half);
        return this.#send(portion);
      }
    } catch (error) {
      return this.#failed(portion, error);
    }
    if (length === 1) portion.sent = performance.now();
    this.#inFlight.add(portion);
    this.#bytes += portion.bytes;
    promise.then(
      (value) => this.#done(portion, value),
      (error) => this.#failed(portion, error),
    );
  }

  /** Items of a portion behind the first ones go in another one, which is next. */
  #putBack(portion: Portion, count: number): void {
    const rest = new Portion(portion.items.splice(count));
    this.#results.expect(rest, portion);
    this.#again.unshift(rest);
  }

  #done(portion: Portion, value: unknown): void {
    this.#left(portion);
    if (portion.isDropped) return;
    const { items: { length } } = portion;
    const time = this.#jobs.readResult(portion, value);
    const ran = portion.left;
    if (ran < length) {
      if (portion.failures === 0) this.#pace.failed(length, ran);
      this.#putBack(portion, ran);
    } else if (time !== undefined) this.#pace.ran(length, time);
    else {
      const time = performance.now() - portion.sent;
      this.#pace.ranAlone(time, this.#readers.length > 0);
    }
    this.#settle(portion);
  }

  #failed(portion: Portion, error: unknown): void {
    this.#left(portion);
    if (portion.isDropped) return;
    this.#jobs.readFailure(portion, error);
    this.#settle(portion);
  }

  #left(portion: Portion): void {
    if (this.#inFlight.delete(portion)) this.#bytes -= portion.bytes;
  }

  #settle(portion: Portion): void {
    this.#bytes += portion.bytes;
    this.#results.settle(portion);
    const { onError } = this.#settings;
    const ends = onError === "throw" || portion.isFatal;
    if (portion.failures > 0 && ends) {
      this.#close(portion.error);
      this.#dropAfter(portion);
    }
    this.#wake();
    this.#flush();
    this.#pump();
  }
}

function result(value: unknown): Promise<Read> {
  return Promise.resolve({ done: false, value });
}
