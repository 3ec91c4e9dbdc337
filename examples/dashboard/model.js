// What the page knows: the samples of the last minute as series, and as lanes of bars.
// It uses no clock but the server's.

/** The charts show so many seconds. */
export const WINDOW = 60;
/** Rates and means are of so many ms. */
const SPAN = 1_000;
/** Samples are this many ms apart; a job that is seen once is drawn as wide. */
export const EVERY = 200;

const MIB = 2 ** 20;

/** Sums up the samples of a pool. */
export class Model {
  /** A point of time for each sample, in order. */
  points = [];
  /** Places for workers; one that is gone leaves its place to the next. */
  lanes = [];
  /** The newest sample. */
  last;

  constructor(samples = []) {
    for (const sample of samples) this.add(sample);
  }

  add(sample) {
    this.last = sample;
    const start = sample.time - WINDOW * 1000;
    // One more, so that the line reaches the edge.
    while (this.points.length > 1 && this.points[1].time < start) {
      this.points.shift();
    }
    this.points.push(this.#pointOf(sample));
    this.#addWorkers(sample);
    for (const lane of this.lanes) {
      while (lane.bars.length > 0 && lane.bars[0].end < start) {
        lane.bars.shift();
      }
    }
    while (this.lanes.at(-1)?.bars.length === 0 && !this.lanes.at(-1).worker) {
      this.lanes.pop();
    }
  }

  #pointOf({ time, stats, memory }) {
    const { completed, failed, aborted, timedOut, busy, size } = stats;
    const point = {
      time,
      done: completed,
      bad: failed + aborted + timedOut,
      queued: stats.queued,
      running: stats.running,
      busy,
      size,
      wait: timesOf(stats.waitTime),
      run: timesOf(stats.runTime),
      meanBusy: busy,
      rss: memory.rss / MIB,
      heap: memory.heapUsed / MIB,
      doneRate: 0,
      badRate: 0,
    };
    const first = this.points.findIndex((p) =>
      time - p.time < SPAN + EVERY / 2
    );
    const span = [...this.points.slice(first), point];
    const [before] = span;
    const seconds = (time - before.time) / 1000;
    if (first < 0 || seconds === 0) return point;
    point.doneRate = (point.done - before.done) / seconds;
    point.badRate = (point.bad - before.bad) / seconds;
    point.meanBusy = span.reduce((sum, p) => sum + p.busy, 0) / span.length;
    return point;
  }

  #addWorkers({ time, workers }) {
    const now = new Map(workers.map((worker) => [worker[0], worker]));
    for (const lane of this.lanes) {
      if (lane.worker && !now.has(lane.worker.id)) lane.worker = undefined;
    }
    for (const [id, state, jobs] of workers) {
      let lane = this.lanes.find(({ worker }) => worker?.id === id);
      if (!lane) {
        lane = this.lanes.find(({ worker }) => !worker);
        if (!lane) {
          this.lanes.push(lane = { bars: [], starts: [], worker: undefined });
        }
        lane.starts.push(time);
      }
      lane.worker = { id, state, jobs };
      for (const job of jobs) addJob(lane, job, time);
    }
  }
}

/** Where no job has ended there are no times. */
function timesOf({ count, p50, p99 }) {
  return count > 0 ? { p50, p99 } : { p50: null, p99: null };
}

/** Lengthens the bar of a job, or begins one. */
function addJob({ bars }, [id, name, ms], time) {
  const bar = bars.findLast((bar) => bar.id === id);
  if (bar) {
    bar.end = time;
    return;
  }
  // Several jobs at once lie below each other.
  const rows = new Set(
    bars.filter((bar) => bar.end === time).map((bar) => bar.row),
  );
  let row = 0;
  while (rows.has(row)) row++;
  bars.push({ id, name, row, start: time - ms, end: time });
}

/** Whether a bar is of a job that was seen more than once, or for longer than a sample. */
export function isLong({ start, end }) {
  return end - start >= EVERY;
}

/** The number of rows that a lane needs. */
export function rowsOf({ bars }) {
  return 1 + bars.reduce((most, { row }) => Math.max(most, row), 0);
}
