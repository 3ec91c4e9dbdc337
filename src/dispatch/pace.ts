// Decides how far ahead a worker is sent jobs, measured in time: small jobs
// travel by the hundred, long jobs alone.

/** Work in ms that a worker can have ahead; hides the way to main and back. */
const AHEAD = 4;
/** Weight of the newest job in the mean. */
const WEIGHT = 1 / 16;
/** Cap on a job's time, in means: jobs behind a rare long one can be taken back. */
const OUTLIER = 4;
/** Mean time of a job in ms, until a job has been measured. */
const ASSUMED_MEAN_MS = 0.1;

/** Minimum of a measured time, in ms. */
const LEAST_MEAN = 1e-4;

/** What the feeder needs of a pace. */
export type Paced = Pick<Pace, "note" | "mean" | "ahead">;

/** On the caller's thread, messages cost nothing: no job is sent ahead. */
export const UNHURRIED: Paced = { note() {}, mean: Infinity, ahead: 1 };

/** Running mean of the times of jobs. */
export class Pace {
  #mean = ASSUMED_MEAN_MS;
  #isKnown = false;

  /** Records the time of a job in ms. */
  note(time: number): void {
    this.#isKnown = true;
    time = Math.max(time, LEAST_MEAN);
    const counted = Math.min(time, OUTLIER * this.#mean);
    this.#mean += (counted - this.#mean) * WEIGHT;
  }

  /** Mean time of a job in ms; `Infinity` until a job has been measured. */
  get mean(): number {
    return this.#isKnown ? this.#mean : Infinity;
  }

  /** Number of jobs that a worker can have in flight. */
  get ahead(): number {
    return Math.max(1, Math.ceil(AHEAD / this.#mean));
  }
}
