// Pulls the items of a map from its source, which can be slow, fail or wait.

import { setImmediate } from "node:timers";
import { Due } from "../dispatch/due.ts";
import { expected } from "../expected.ts";
import { atEndOfTurn } from "../flow/end_of_turn.ts";
import { isThenable } from "../values/thenable.ts";
import type { MapItems } from "./map_items.ts";
import type { MapJobs } from "./map_jobs.ts";
import type { Source, Step } from "./map_source.ts";

/** Time in ms for which a source is pulled before other code gets its turn. */
const TURN = 2;
/** Number of items per reading of the clock: a small item takes 0.93 of the processor time (6 pairs). */
const CLOCK_EVERY = 8;

export class MapPull {
  readonly #source: Source;
  readonly #jobs: MapJobs;
  readonly #items: MapItems;
  readonly #onEnd: (failure: { error: unknown } | undefined) => void;
  /** Whether a requested item has not arrived. */
  #isPulling = false;
  readonly #flush = new Due(() => this.#items.flush());
  /** Whether pulling continues in the next turn of the event loop. */
  #isPumpDue = false;
  /** Whether pulling has ended. */
  isClosed = false;
  /** Reason for closing, unless the source ended by itself. */
  #reason: unknown;
  /** Settles when the source has ended, if the map ended it early. */
  sourceEnd: PromiseLike<unknown> | undefined;

  /** @param onEnd Called when the source has ended or failed by itself */
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

  /** Whether an item may be requested. */
  get isReady(): boolean {
    return !this.#isPulling && !this.isClosed && !this.#isPumpDue;
  }

  /** Pulls items while there is room for them. */
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

  /** Sends the pulled items, and continues in the next turn of the event loop. */
  #pumpLater(): void {
    this.#items.flush();
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.pump();
    });
  }

  /** Sends the items of this turn at its end, without waiting for later items. */
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

  /** Called when the source has ended or failed by itself. */
  #end(failure: { error: unknown } | undefined): void {
    if (this.isClosed) return;
    this.#source.ended?.();
    this.isClosed = true;
    this.#onEnd(failure);
  }

  /** Stops pulling, and ends the source. */
  close(reason: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#reason = reason;
    try {
      this.sourceEnd = this.#source.end(reason, this.#isPulling);
    } catch (error) {
      this.sourceEnd = Promise.reject(error);
    }
    // Handled, because the map awaits it only when the reader is at the end.
    this.sourceEnd?.then(undefined, () => {});
  }
}
