// Pulls the items of a map from its source, which may be slow, fail, or wait.

import { setImmediate } from "node:timers";
import { Due } from "../dispatch/due.ts";
import { expected } from "../expected.ts";
import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { isThenable } from "../values/thenable.ts";
import type { MapItems } from "./map_items.ts";
import type { MapJobs } from "./map_jobs.ts";
import type { Source, Step } from "./map_source.ts";

/** Milliseconds that a source is asked before others get their turn. */
const TURN = 2;
/** The clock is read once for this many items: a small one takes 0.93 of the processor time so (6 pairs). */
const CLOCK_EVERY = 8;

/** One map's way from its source. */
export class MapPull {
  readonly #source: Source;
  readonly #jobs: MapJobs;
  readonly #items: MapItems;
  readonly #onEnd: (failure: { error: unknown } | undefined) => void;
  /** Whether an item was asked for that has not come. */
  #isPulling = false;
  readonly #flush = new Due(() => this.#items.flush());
  /** Whether it goes on in the next turn of the event loop. */
  #isPumpDue = false;
  /** Whether nothing more is pulled. */
  isClosed = false;
  /** Why, unless the source has ended by itself. */
  #reason: unknown;
  /** The source lets go, if it has not ended by itself. */
  sourceEnd: PromiseLike<unknown> | undefined;

  /** @param onEnd Hears that the source has ended, or failed, by itself */
  constructor(
    source: Source,
    jobs: MapJobs,
    items: MapItems,
    onEnd: (failure: { error: unknown } | undefined) => void,
  ) {
    this.#source = source;
    this.#jobs = jobs;
    this.#items = items;
    this.#onEnd = onEnd;
  }

  /** Whether an item may be asked for. */
  get isReady(): boolean {
    return !this.#isPulling && !this.isClosed && !this.#isPumpDue;
  }

  /** Pulls as much as there is room for. */
  pump(): void {
    const begun = this.#jobs.now();
    for (let pulled = 1; this.isReady && this.#items.mayAdd; pulled++) {
      if (pulled % CLOCK_EVERY === 0 && this.#jobs.now() - begun >= TURN) {
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
    if (!this.#isPulling) this.#items.flush();
  }

  /** The source takes its time: what it has given is sent, and others get their turn. */
  #pumpLater(): void {
    this.#items.flush();
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.pump();
    });
  }

  /** What has come in this turn goes with its end, whatever comes later. */
  #flushSoon(): void {
    if (this.#items.hasPending) this.#flush.at(atEndOfTurn);
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
    if (this.isClosed) this.#jobs.discard(item, this.#reason);
    else this.#items.add(item);
  }

  /** It has ended by itself. */
  #end(failure: { error: unknown } | undefined): void {
    if (this.isClosed) return;
    this.#source.ended?.();
    this.isClosed = true;
    this.#onEnd(failure);
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
