// Sends the items of a map to the pool, in portions that share a job, and takes in
// what these come to.

import { Registry } from "../values/registry.ts";
import { type MapJobs, MAX_HELD_BYTES, sizeOf } from "./map_jobs.ts";
import type { MapPace } from "./map_pace.ts";
import { Portion, type Results } from "./map_results.ts";

/** How many letters of texts share a job. */
const MOST_LETTERS = 48 * 1024;
/** Jobs that are sent, for each that can run at once, until the size of a result is known. */
const JOBS_BEFORE_SIZE = 2;

/** What the map is told. */
export interface ItemEvents {
  /** Whether somebody waits for a result. */
  isAwaited(): boolean;
  /** How many items were pulled whose results have not been read. */
  held(): number;
  /** A portion has come to something. */
  settled(portion: Portion): void;
  /** There is room in the pool, for which this has waited. */
  hasRoom(): void;
}

/** One map's items on their way. */
export class MapItems {
  readonly #jobs: MapJobs;
  readonly #results: Results;
  readonly #pace: MapPace;
  readonly #events: ItemEvents;
  /** Items that have no job yet. */
  #pending: unknown[] = [];
  #pendingLetters = 0;
  /** About how many bytes these hold that come while none is sent. */
  #pendingBytes = 0;
  /** Parts of portions that have not run, and go before those. */
  readonly #again: Portion[] = [];
  readonly #inFlight = new Registry<Portion>();
  #lastNumber = 0;
  /** Waits for room in the pool. */
  #roomWait: AbortController | undefined;
  /** About how many bytes hold those items that were sent, and results. */
  #bytes = 0;
  /** What nobody wants any more is let go for this reason. */
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

  /** Whether items wait for others with which they share a job, or for room. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether items and results hold so much that there are to be no more of them. */
  get isHeavy(): boolean {
    return this.#bytes + this.#pendingBytes >= MAX_HELD_BYTES &&
      this.#events.held() >= this.#jobs.places;
  }

  /** Whether results are too heavy for more to be sent. */
  get #isFull(): boolean {
    if (this.#bytes < MAX_HELD_BYTES || this.#jobs.areRefused) return false;
    let unsent = this.#pending.length;
    for (const { items } of this.#again) unsent += items.length;
    return this.#events.held() - unsent >= this.#jobs.places;
  }

  /** Whether nothing is sent before a result tells how large they are. */
  get #isBlind(): boolean {
    return !this.#jobs.knowsSize && !this.#jobs.areRefused &&
      this.#inFlight.size >= JOBS_BEFORE_SIZE * this.#jobs.places;
  }

  /** Results have been read, and hold these bytes no longer. */
  release(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes -= bytes;
    this.flush();
  }

  /** Whether one more item would find room in the pool; if not, it is waited for. */
  get hasPlace(): boolean {
    if (this.#roomWait) return false;
    if (this.hasPending || this.#jobs.hasRoom) return true;
    this.#awaitRoom();
    return false;
  }

  /** Takes an item, to be sent once there are enough. */
  add(item: unknown): void {
    this.#pending.push(item);
    if (typeof item === "string") this.#pendingLetters += item.length;
    if (this.#isBlind) this.#pendingBytes += sizeOf(item);
    const isFull = this.#pending.length >= this.#pace.sharing ||
      this.#pendingLetters >= MOST_LETTERS;
    if (isFull) this.flush();
  }

  /** Sends all items, as far as the pool has room. */
  flush(): void {
    while (this.#again.length + this.#pending.length > 0) {
      if (!this.#jobs.hasRoom && !this.#jobs.areRefused) {
        return this.#awaitRoom();
      }
      if (this.#isBlind) return;
      const portion = this.#isFull
        ? this.#takeNeeded()
        : this.#again.shift() ?? this.#nextPortion();
      if (portion === undefined) return;
      this.#send(portion);
    }
  }

  /** The part of a portion that the reader needs next, if it has not been sent. */
  #takeNeeded(): Portion | undefined {
    const { first } = this.#results;
    const at = this.#again.findIndex((portion) => portion === first);
    return at < 0 ? undefined : this.#again.splice(at, 1)[0];
  }

  #awaitRoom(): void {
    if (this.#roomWait) return;
    const wait = this.#roomWait = new AbortController();
    const goOn = () => {
      this.#roomWait = undefined;
      this.flush();
      this.#events.hasRoom();
    };
    // When the pool ends, sending says so.
    this.#jobs.waitForRoom(wait.signal).then(goOn, goOn);
  }

  #nextPortion(): Portion {
    const items = this.#pending;
    this.#pending = items.splice(this.#pace.sharing);
    this.#pendingLetters = 0;
    this.#pendingBytes = 0;
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
      // Later, like any other end: thousands in a row may be refused.
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

  /** Items of a portion behind the first ones go in another one, which is next. */
  #putBack(portion: Portion, count: number): void {
    // New lists: what was read of the old one must not be taken for these.
    const { items } = portion;
    portion.items = items.slice(0, count);
    const rest = new Portion(items.slice(count));
    this.#results.expect(rest, portion);
    this.#again.unshift(rest);
  }

  #done(portion: Portion, value: unknown): void {
    this.#left(portion);
    if (portion.isDropped) return this.#jobs.discard(value, this.#reason);
    const { length } = portion.items;
    const time = this.#jobs.readResult(portion, value);
    const ran = portion.left;
    if (ran < length) {
      if (portion.failures === 0) this.#pace.failed(length, ran);
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
    if (portion.isDropped) return;
    this.#jobs.readFailure(portion, error);
    this.#settle(portion);
  }

  #left(portion: Portion): void {
    if (this.#inFlight.delete(portion.number)) this.#bytes -= portion.bytes;
  }

  #settle(portion: Portion): void {
    this.#bytes += portion.bytes;
    this.#results.settle(portion);
    this.#events.settled(portion);
    this.flush();
  }

  /** Forgets the items that have no job, and tells how many these were. */
  dropPending(): number {
    const { length } = this.#pending;
    this.#pending = [];
    this.#pendingLetters = this.#pendingBytes = 0;
    this.#roomWait?.abort();
    return length;
  }

  /** Nobody wants the results of these portions, or of any, any more. */
  drop(reason: unknown, portions?: Iterable<Portion>): void {
    this.#reason = reason;
    for (
      const portion of portions ??
        [...this.#again, ...this.#inFlight.values()]
    ) {
      portion.isDropped = true;
      this.#jobs.abort(portion, reason);
    }
  }
}
