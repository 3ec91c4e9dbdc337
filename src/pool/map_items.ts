// Sends the items of a map to the pool in portions, each of which shares a job,
// and receives their results.

import { Registry } from "../values/registry.ts";
import { type MapJobs, MAX_HELD_BYTES } from "./map_jobs.ts";
import type { MapPace } from "./map_pace.ts";
import { Portion, type Results } from "./map_results.ts";

/** Number of characters in strings with which a portion is sent. */
const MOST_LETTERS = 48 * 1024;

/** Callbacks of the map. */
export interface ItemEvents {
  /** Returns whether a read waits for a result. */
  isAwaited(): boolean;
  /** Called when a portion has its results. */
  settled(portion: Portion): void;
  /** Called when a wait for room in the pool has ended. */
  hasRoom(): void;
}

/** The items of one map that have been pulled, and their jobs. */
export class MapItems {
  readonly #jobs: MapJobs;
  readonly #results: Results;
  readonly #pace: MapPace;
  readonly #events: ItemEvents;
  /** Number of added items whose results have not been read. */
  held = 0;
  /** Items that have no job yet. */
  #pending: unknown[] = [];
  #pendingLetters = 0;
  /** Parts of portions that have not run. They are sent before pending items. */
  #again: Portion[] = [];
  readonly #inFlight = new Registry<Portion>();
  #lastNumber = 0;
  /** Ends the wait for room in the pool. */
  #roomWait: AbortController | undefined;
  /** Whether a wait for room has ended, so that one job may be sent. */
  #isLetIn = false;
  /** Approximate size in bytes of sent items and unread results. */
  #bytes = 0;
  /** Reason for which results that arrive too late are discarded. */
  #reason: unknown;

  constructor(
    jobs: MapJobs,
    results: Results,
    pace: MapPace,
    events: ItemEvents,
  ) {
    this.#jobs = jobs;
    this.#results = results;
    this.#pace = pace;
    this.#events = events;
  }

  /** Whether items wait for more items that share their job, or for room. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether there is room for one more item, in the window and in the pool. */
  get mayAdd(): boolean {
    return this.held < this.#pace.window && !this.#isTooMuch(this.held) &&
      this.#hasPlace;
  }

  /**
   * Returns whether items and results hold too many bytes for more than this number of
   * items. Each job that can run at once has one item in any case.
   */
  #isTooMuch(items: number): boolean {
    return this.#bytes >= MAX_HELD_BYTES && items >= this.#jobs.places;
  }

  /** Whether enough jobs are in flight to keep the workers busy. */
  get #isBusy(): boolean {
    return this.#inFlight.size >= this.#pace.jobs;
  }

  /** Takes the portion to send now, if any. */
  #next(): Portion | undefined {
    const next = () => this.#again.shift() ?? this.#nextPortion();
    if (this.#jobs.lifetime.refuses) return next();
    if (this.#isBusy) return undefined;
    let unsent = this.#pending.length;
    for (const { items } of this.#again) unsent += items.length;
    const sent = this.held - unsent;
    return this.#isTooMuch(sent) ? this.#takeNeeded() : next();
  }

  /** Subtracts the bytes of results that have been read. */
  release(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes -= bytes;
    this.flush();
  }

  /** Whether the pool has room for one more item. If not, starts a wait for room. */
  get #hasPlace(): boolean {
    if (this.#roomWait) return false;
    // Items that have not been sent do not count in `#bytes`.
    const isShared = this.#pending.length >= this.#pace.sharing;
    if (this.#isBusy && isShared) return false;
    if (this.hasPending || this.#isLetIn || this.#jobs.room.isFree) return true;
    this.#awaitRoom();
    return false;
  }

  /** Adds an item, and sends it once there are enough. */
  add(item: unknown): void {
    this.held++;
    this.#pending.push(item);
    if (typeof item === "string") this.#pendingLetters += item.length;
    const isFull = this.#pending.length >= this.#pace.sharing ||
      this.#pendingLetters >= MOST_LETTERS;
    if (isFull) this.flush();
  }

  /** Sends items, as far as there is room for them. */
  flush(): void {
    while (this.#again.length + this.#pending.length > 0) {
      const mayEnter = this.#isLetIn || this.#jobs.room.isFree;
      if (!mayEnter && !this.#jobs.lifetime.refuses) return this.#awaitRoom();
      const portion = this.#next();
      if (portion === undefined) return;
      if (!this.#isLetIn) this.#jobs.room.take();
      this.#isLetIn = false;
      this.#send(portion);
    }
  }

  /** Takes the part of a portion that the reader needs next, if it has not been sent. */
  #takeNeeded(): Portion | undefined {
    const { first } = this.#results;
    const at = this.#again.findIndex((portion) => portion === first);
    return at < 0 ? undefined : this.#again.splice(at, 1)[0];
  }

  #awaitRoom(): void {
    if (this.#roomWait) return;
    const wait = this.#roomWait = new AbortController();
    const goOn = (isLetIn: boolean) => {
      this.#roomWait = undefined;
      this.#isLetIn = isLetIn;
      this.flush();
      this.#events.hasRoom();
      this.#isLetIn = false;
    };
    // When the pool has ended, sending throws the error.
    this.#jobs.room.wait(wait.signal).then(
      () => goOn(true),
      () => goOn(false),
    );
  }

  #nextPortion(): Portion {
    const items = this.#pending.splice(0, this.#pace.sharing);
    this.#pendingLetters = 0;
    const portion = new Portion(items);
    this.#results.expect(portion);
    return portion;
  }

  #send(portion: Portion): void {
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
      if (this.#jobs.lifetime.refuses) this.#discard(portion.items, error);
      // Asynchronous, like any other end: thousands in a row may be refused.
      resolve({
        then: (_: unknown, no: (reason: unknown) => void) => no(error),
      });
    }
    if (length === 1) portion.sent = this.#jobs.now();
    this.#inFlight.set(portion.number = ++this.#lastNumber, portion);
    this.#bytes += portion.bytes;
    promise.then(
      (value) => this.#done(portion, value),
      (error) => this.#failed(portion, error),
    );
  }

  /** Moves all but the first `count` items to a new portion, which is sent next. */
  #putBack(portion: Portion, count: number): void {
    // New arrays: values read from the old array must not be taken for these.
    const { items } = portion;
    portion.items = items.slice(0, count);
    const rest = new Portion(items.slice(count));
    this.#results.expect(rest, portion);
    this.#again.unshift(rest);
  }

  #done(portion: Portion, value: unknown): void {
    this.#left(portion);
    if (portion.isDropped) {
      this.#jobs.discard(value, this.#reason);
      return this.flush();
    }
    const { length } = portion.items;
    const time = this.#jobs.readResult(portion, value);
    const ran = portion.left;
    if (ran < length) {
      // An occasional failure says nothing about the other items.
      const isRare = portion.failures > 0 && 2 * ran >= length;
      if (!isRare) this.#pace.failed(length, ran);
      this.#putBack(portion, ran);
    } else if (time !== undefined) this.#pace.ran(length, time);
    else {
      const time = this.#jobs.now() - portion.sent;
      this.#pace.ranAlone(time, this.#events.isAwaited());
    }
    this.#settle(portion);
  }

  #failed(portion: Portion, error: unknown): void {
    this.#left(portion);
    if (portion.isDropped) return this.flush();
    this.#jobs.readFailure(portion, error);
    this.#settle(portion);
  }

  #left(portion: Portion): void {
    if (this.#inFlight.delete(portion.number)) this.#bytes -= portion.bytes;
  }

  #settle(portion: Portion): void {
    this.#bytes += portion.bytes;
    // These are no longer needed, and may be large.
    portion.items = [];
    portion.job = undefined;
    this.#results.settle(portion);
    this.#events.settled(portion);
    this.flush();
  }

  /** Discards the items that have no job. */
  dropPending(reason: unknown): void {
    const items = this.#pending;
    this.held -= items.length;
    this.#pending = [];
    this.#pendingLetters = 0;
    this.#roomWait?.abort();
    this.#discard(items, reason);
  }

  #discard(items: readonly unknown[], reason: unknown): void {
    for (const item of items) this.#jobs.discard(item, reason);
  }

  /** Drops these portions, or all: aborts their jobs, and discards unsent items. */
  drop(reason: unknown, portions?: Iterable<Portion>): void {
    this.#reason = reason;
    for (
      const portion of portions ??
        [...this.#again, ...this.#inFlight.values()]
    ) {
      portion.isDropped = true;
      this.#jobs.abort(portion, reason);
    }
    const unsent = this.#again.filter(({ isDropped }) => isDropped);
    this.#again = this.#again.filter(({ isDropped }) => !isDropped);
    for (const { items } of unsent) this.#discard(items, reason);
  }
}
