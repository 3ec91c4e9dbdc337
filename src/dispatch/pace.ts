// How far ahead a worker is sent jobs, measured in their time: small jobs go by
// the hundred, long ones alone.

/** How many ms of work a worker may have before it; hides the way to main and back. */
const AHEAD = 4;
/** How much the newest job counts in the mean. */
const WEIGHT = 1 / 16;
/** The most times the mean that a job counts as: what waits behind a rare long one can be taken back. */
const OUTLIER = 4;
/** The mean that is assumed of jobs until one has been measured. */
const ASSUMED_MEAN_MS = 0.1;

/** No mean is taken to be below this, in ms. */
const LEAST_MEAN = 1e-4;

/** What feeding asks of a pace. */
export type Paced = Pick<Pace, "note" | "mean" | "ahead">;

/** Where all share the caller's thread, a message costs nothing: no job is sent ahead of its turn. */
export const UNHURRIED: Paced = { note() {}, mean: Infinity, ahead: 1 };

/** The running mean of how long jobs take. */
export class Pace {
  #mean = ASSUMED_MEAN_MS;
  #isKnown = false;

  /** Notes how many ms a job took. */
  note(time: number): void {
    this.#isKnown = true;
    time = Math.max(time, LEAST_MEAN);
    const counted = Math.min(time, OUTLIER * this.#mean);
    this.#mean += (counted - this.#mean) * WEIGHT;
  }

  /** How many ms a job takes; of jobs that are not known, it may be any time. */
  get mean(): number {
    return this.#isKnown ? this.#mean : Infinity;
  }

  /** How many jobs a worker may have in flight. */
  get ahead(): number {
    return Math.max(1, Math.ceil(AHEAD / this.#mean));
  }
}
