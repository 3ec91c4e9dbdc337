// Workers that execute nothing though they have been sent jobs: something else
// holds them, such as a loop that a job has left behind in a timer.

import type { Lane } from "./lane.ts";

/** How often main looks, in ms. */
const EVERY = 250;
/** After so many ms a worker is given up. */
const LONGEST = 5_000;

/** What is done about them. */
export interface SilenceEvents {
  /** Takes what a worker has ended. */
  collect(lane: Lane): void;
  /** A worker executes nothing: its jobs are for others. */
  silent(lane: Lane): void;
  /** It has done so for so many ms that it is to be replaced. */
  unresponsive(lane: Lane, ms: number): void;
}

/** Watches over workers for as long as they have jobs. */
export class Silence {
  readonly #lanes: Iterable<Lane>;
  readonly #events: SilenceEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(lanes: Iterable<Lane>, events: SilenceEvents) {
    this.#lanes = lanes;
    this.#events = events;
  }

  /** A worker has been sent jobs. */
  watch(): void {
    this.#timer ??= setTimeout(() => this.#look(), EVERY);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const lane of this.#lanes) {
      this.#events.collect(lane);
      const silence = lane.silence(now);
      if (silence > LONGEST) this.#events.unresponsive(lane, LONGEST);
      else if (silence > 0) this.#events.silent(lane);
      if (silence > 0 || lane.inFlight > 0) this.watch();
    }
  }

  /** Looks no more until there is another job. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
