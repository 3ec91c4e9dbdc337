// Pulls the items of a map from its source, which may be slow, fail, or wait.

import { setImmediate } from "node:timers";
import { expected } from "../expected.ts";
import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { isThenable } from "../values/thenable.ts";
import type { Source, Step } from "./map_source.ts";

/** Milliseconds that a source is asked before others get their turn. */
const TURN = 2;
/** The clock is read once for this many items: a small one takes 0.93 of the processor time so (6 pairs). */
const CLOCK_EVERY = 8;

/** What the map is asked and told. */
export interface PullEvents {
  /** Whether there is room for one more item. */
  mayPull(): boolean;
  take(item: unknown): void;
  /** An item has come after the end. */
  drop(item: unknown, reason: unknown): void;
  /** Whether items that were taken wait for others. */
  hasPending(): boolean;
  /** No other item comes just now. */
  flush(): void;
  /** No other item comes. */
  ended(failure: { error: unknown } | undefined): void;
}

/** One map's way from its source. */
export class MapPull {
  readonly #source: Source;
  readonly #now: () => number;
  readonly #events: PullEvents;
  /** Whether an item was asked for that has not come. */
  #isPulling = false;
  #isFlushDue = false;
  /** Whether it goes on in the next turn of the event loop. */
  #isPumpDue = false;
  /** Whether nothing more is pulled. */
  isClosed = false;
  /** Why, unless the source has ended by itself. */
  #reason: unknown;
  /** The source lets go, if it has not ended by itself. */
  sourceEnd: PromiseLike<unknown> | undefined;

  /** @param now The pool's clock, in ms */
  constructor(source: Source, now: () => number, events: PullEvents) {
    this.#source = source;
    this.#now = now;
    this.#events = events;
  }

  /** Whether an item may be asked for. */
  get isReady(): boolean {
    return !this.#isPulling && !this.isClosed && !this.#isPumpDue;
  }

  /** Pulls as much as there is room for. */
  pump(): void {
    const begun = this.#now();
    for (let pulled = 1; this.isReady && this.#events.mayPull(); pulled++) {
      if (pulled % CLOCK_EVERY === 0 && this.#now() - begun >= TURN) {
        return this.#pumpLater();
      }
      let step: Step | PromiseLike<Step>;
      try {
        this.#isPulling = true;
        step = this.#source.pull();
      } catch (error) {
        return this.#onError(error);
      }
      if (isThenable(step)) {
        step.then(this.#onStep, this.#onError);
        return this.#flushSoon();
      }
      this.#isPulling = false;
      this.#take(step);
      // The source may have ended the map.
      if (this.isClosed) return;
    }
    if (!this.#isPulling) this.#events.flush();
  }

  /** The source takes its time: what it has given is sent, and others get their turn. */
  #pumpLater(): void {
    this.#events.flush();
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.pump();
    });
  }

  /** What has come in this turn goes with its end, whatever comes later. */
  #flushSoon(): void {
    if (this.#isFlushDue || !this.#events.hasPending()) return;
    this.#isFlushDue = true;
    atEndOfTurn(() => {
      this.#isFlushDue = false;
      this.#events.flush();
    });
  }

  readonly #onStep = (step: Step): void => {
    this.#isPulling = false;
    this.#take(step);
    if (!this.isClosed) this.pump();
  };

  readonly #onError = (error: unknown): void => {
    this.#isPulling = false;
    this.#end({ error });
  };

  #take(step: Step): void {
    let item: unknown;
    try {
      if (typeof step !== "object") throw expected("next()", "an object", step);
      if (step.done) return this.#end(undefined);
      item = step.value;
    } catch (error) {
      return this.#onError(error);
    }
    if (this.isClosed) this.#events.drop(item, this.#reason);
    else this.#events.take(item);
  }

  /** It has ended by itself. */
  #end(failure: { error: unknown } | undefined): void {
    if (this.isClosed) return;
    this.#source.ended?.();
    this.isClosed = true;
    this.#events.ended(failure);
  }

  /** Pulls nothing further. */
  close(reason: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#reason = reason;
    try {
      this.sourceEnd = this.#source.end(reason, this.#isPulling);
    } catch (error) {
      this.sourceEnd = Promise.reject(error);
    }
    // It is waited for when the reader comes to the end.
    this.sourceEnd?.then(undefined, () => {});
  }
}
