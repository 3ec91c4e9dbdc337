// Statistics of times: a histogram with buckets that are 3 % wide. An earlier
// state can be subtracted, unlike with the histogram of `node:perf_hooks`. One
// record there also costs more than everything else that is measured per job.

/** Statistics of a time over many jobs, in ms. */
export interface Times {
  /** Number of measured jobs. */
  count: number;
  /** Sum of all times. */
  sum: number;
  /** Mean time. */
  mean: number;
  /** Median, accurate to 2 %. */
  p50: number;
  /** 99th percentile, accurate to 2 %. */
  p99: number;
  /** Longest time; with {@linkcode StatsOptions.since}, up to 4 % above it. */
  max: number;
  /**
   * Number of jobs that took no longer than each bound of
   * {@linkcode StatsOptions.buckets}, if this option is set.
   */
  buckets?: number[];
}

// Times that share the exponent and five bits of the fraction, as a 32-bit float,
// share a bucket. So there are 32 buckets from each power of 2 to the next.
const FRACTION_BITS = 23 - 5;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** About 60 ns: shorter times share the first bucket. */
const SHORTEST = 2 ** -14;
const FIRST = codeOf(SHORTEST);

function codeOf(ms: number): number {
  float[0] = ms;
  return bits[0] >>> FRACTION_BITS;
}

/** Returns the shortest time in a bucket. */
function edgeOf(bucket: number): number {
  bits[0] = (bucket + FIRST) << FRACTION_BITS;
  return float[0];
}

/** Returns the time that represents a bucket. */
function middleOf(bucket: number): number {
  return (edgeOf(bucket) + edgeOf(bucket + 1)) / 2;
}

/** Times of one kind. */
export class Series {
  #count = 0;
  #sum = 0;
  #max = 0;
  /** Number of times in each bucket, up to the last bucket that has any. */
  #counts: number[] = [];

  add(ms: number): void {
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
    const bucket = ms > SHORTEST ? codeOf(ms) - FIRST : 0;
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket]++;
  }

  /** Returns a copy of the current state. */
  copy(): Series {
    const copy = new Series();
    copy.#count = this.#count;
    copy.#sum = this.#sum;
    copy.#max = this.#max;
    copy.#counts = this.#counts.slice();
    return copy;
  }

  /** Returns statistics of the times added since an earlier state, or of all times. */
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

/** Returns the time at or below which this many times are. */
function percentile(counts: readonly number[], rank: number): number {
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= rank);
  return middleOf(Math.max(0, bucket));
}

/** Returns how many times are not above a bound. */
function upTo(counts: readonly number[], bound: number): number {
  let seen = 0;
  for (let i = 0; i < counts.length && middleOf(i) <= bound; i++) {
    seen += counts[i];
  }
  return seen;
}
