// Samples a pool while anybody watches: what it and each of its workers do at that
// moment. Nothing is heard of each job, so the cost does not depend on their number.
import {
  PoolClosedError,
  type PoolStats,
  PoolTerminatedError,
  type ThreadPool,
  ThreadPoolError,
} from "@spindle/thread-pool";

/** How often a pool is sampled, in ms. */
const EVERY = 200;
/** How many samples are kept for pages that open, or are reloaded: a minute. */
const KEPT = 300;
/** Wait and run times are those of the jobs that ended within so many samples: 5 s. */
const RECENT = 25;
/** How many ms samples are kept when nobody watches: a reload finds what was there. */
const LINGER = 10_000;

/** What a pool did at one moment; a page needs to know no more. */
export interface Sample {
  /** In ms since 1970. */
  time: number;
  /** Whether the pool takes jobs, and if not, why. */
  state: "open" | "closed" | "terminated" | "broken";
  /** Whether the pool has ended: no other sample follows. */
  isLast: boolean;
  /** Since the start, but for the times. */
  stats: PoolStats;
  memory: Deno.MemoryUsage;
  /** The names of the jobs that were ever seen, in the order in which they were. */
  names: string[];
  /** Number and state of each worker, and of its jobs number, name, and ms so far. */
  workers: [
    id: number,
    state: string,
    jobs: [id: number, name: number, ms: number][],
  ][];
}

/** Is told each sample, as JSON, and then `undefined`, if the pool has ended. */
export type Watcher = (sample: string | undefined) => void;

/** The samples of one pool. */
export class Sampler {
  readonly #pool: ThreadPool;
  readonly #watchers = new Set<Watcher>();
  readonly #names = new Map<string, number>();
  #samples: string[] = [];
  #recent: PoolStats[] = [];
  /** The last one, if the pool has ended. */
  #last: string | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unwatchedSince = 0;

  constructor(pool: ThreadPool) {
    this.#pool = pool;
  }

  /** The samples so far, as a JSON array. */
  get history(): string {
    return `[${this.#samples.join()}]`;
  }

  /** Begins to tell the samples from now on; returns what ends it. */
  watch(watcher: Watcher): () => void {
    if (this.#last !== undefined) {
      watcher(this.#last);
      watcher(undefined);
      return () => {};
    }
    this.#watchers.add(watcher);
    if (this.#timer === undefined) {
      if (performance.now() - this.#unwatchedSince > LINGER) {
        this.#samples = [];
        this.#recent = [];
      }
      this.#timer = setInterval(() => this.#sample(), EVERY);
      Deno.unrefTimer(this.#timer); // a picture is no reason to keep a program
      this.#sample();
    }
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      this.#unwatchedSince = performance.now();
      this.#stop();
    };
  }

  async #sample(): Promise<void> {
    const state = await stateOf(this.#pool);
    if (this.#timer === undefined) return;
    const workers = this.#pool.workers();
    const isLast = state !== "open" && workers.length === 0;
    const sample: Sample = {
      time: Date.now(),
      state,
      isLast,
      stats: this.#stats(),
      memory: Deno.memoryUsage(),
      workers: workers.map(({ workerId, state, jobs }) => [
        workerId,
        state,
        jobs.map(({ jobId, name, runTime }) => {
          return [jobId, this.#indexOf(name), Math.round(runTime)];
        }),
      ]),
      names: [...this.#names.keys()],
    };
    const text = JSON.stringify(sample);
    this.#samples.push(text);
    if (this.#samples.length > KEPT) this.#samples.shift();
    for (const watcher of this.#watchers) watcher(text);
    if (!isLast) return;
    this.#last = text;
    for (const watcher of this.#watchers) watcher(undefined);
    this.#stop();
  }

  #stats(): PoolStats {
    const stats = this.#pool.stats();
    const [since = stats] = this.#recent;
    const { waitTime, runTime } = this.#pool.stats({ since });
    this.#recent.push(stats);
    if (this.#recent.length > RECENT) this.#recent.shift();
    return { ...stats, waitTime, runTime };
  }

  #indexOf(name: string): number {
    const index = this.#names.get(name) ?? this.#names.size;
    this.#names.set(name, index);
    return index;
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether a pool takes jobs, and if not, why. */
async function stateOf(pool: ThreadPool): Promise<Sample["state"]> {
  const look = new AbortController();
  const ready = pool.ready({ signal: look.signal });
  look.abort(); // room in the queue is not waited for
  try {
    await ready;
    return "open";
  } catch (error) {
    if (error instanceof PoolClosedError) return "closed";
    if (error instanceof PoolTerminatedError) return "terminated";
    return error instanceof ThreadPoolError ? "broken" : "open";
  }
}
