// How far ahead a worker is sent jobs, measured in their time: small jobs go by
// the hundred, long ones alone.

/** How many ms of work a worker may have before it; hides the way to main and back. */
const AHEAD = 2;
/** How much the newest job counts in the mean. */
const WEIGHT = 1 / 16;
/** The mean that is assumed of jobs until one has been measured. */
const UNKNOWN = 0.1;

/** The running mean of how long jobs take. */
export class Pace {
  #mean = UNKNOWN;

  /** A job took so many ms. */
  note(time: number): void {
    this.#mean += (time - this.#mean) * WEIGHT;
  }

  /** How many jobs a worker may have in flight. */
  get ahead(): number {
    return Math.max(1, Math.ceil(AHEAD / (this.#mean + 1e-6)));
  }
}
