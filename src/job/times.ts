// How long things took: a histogram whose buckets are 3 % wide, from which an
// earlier state of it can be subtracted. That of `node:perf_hooks` cannot, and one
// record there costs more than all else that is measured of a job.

/** How long something took, over many jobs, in milliseconds. */
export interface Times {
  /** The number of measured jobs. */
  count: number;
  /** All of them together. */
  sum: number;
  /** The mean. */
  mean: number;
  /** The median, to 2 %. */
  p50: number;
  /** The 99th percentile, to 2 %. */
  p99: number;
  /** The longest; with {@linkcode StatsOptions.since}, to 4 % above it. */
  max: number;
  /**
   * How many jobs took no longer than each of {@linkcode StatsOptions.buckets}, if
   * these were given.
   */
  buckets?: number[];
}

// A bucket is what shares the first bits of a 32-bit float: the exponent, and five
// bits of the fraction, so that there are 32 buckets from each power of 2 to the next.
const FRACTION_BITS = 23 - 5;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** About 60 ns: what is shorter shares the first bucket. */
const SHORTEST = 2 ** -14;
const FIRST = codeOf(SHORTEST);

function codeOf(ms: number): number {
  float[0] = ms;
  return bits[0] >>> FRACTION_BITS;
}

/** The least time in a bucket. */
function edgeOf(bucket: number): number {
  bits[0] = (bucket + FIRST) << FRACTION_BITS;
  return float[0];
}

/** What stands for the times in a bucket. */
function middleOf(bucket: number): number {
  return (edgeOf(bucket) + edgeOf(bucket + 1)) / 2;
}

/** Times of one kind. */
export class Series {
  #count = 0;
  #sum = 0;
  #max = 0;
  /** How many fell into each bucket, up to the last that has any. */
  #counts: number[] = [];

  add(ms: number): void {
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
    const bucket = ms > SHORTEST ? codeOf(ms) - FIRST : 0;
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket]++;
  }

  /** Its state now, for later. */
  copy(): Series {
    const copy = new Series();
    copy.#count = this.#count;
    copy.#sum = this.#sum;
    copy.#max = this.#max;
    copy.#counts = this.#counts.slice();
    return copy;
  }

  /** The times that were added since an earlier state, or all. */
  since(before: Series = NONE, bounds?: readonly number[]): Times {
    const count = this.#count - before.#count;
    const counts = this.#counts.map((n, i) => n - (before.#counts[i] ?? 0));
    const last = counts.findLastIndex((n) => n > 0);
    const max = before.#count === 0
      ? this.#max
      : count > 0
      ? Math.min(this.#max, edgeOf(last + 1))
      : 0;
    const sum = this.#sum - before.#sum;
    const times: Times = {
      count,
      sum,
      mean: count > 0 ? sum / count : 0,
      p50: Math.min(max, percentile(counts, count * 0.5)),
      p99: Math.min(max, percentile(counts, count * 0.99)),
      max,
    };
    if (bounds) times.buckets = bounds.map((bound) => upTo(counts, bound));
    return times;
  }
}

const NONE = new Series();

/** The time below which this many are. */
function percentile(counts: readonly number[], rank: number): number {
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= rank);
  return middleOf(Math.max(0, bucket));
}

/** How many are not above a bound. */
function upTo(counts: readonly number[], bound: number): number {
  let seen = 0;
  for (let i = 0; i < counts.length && middleOf(i) <= bound; i++) {
    seen += counts[i];
  }
  return seen;
}
