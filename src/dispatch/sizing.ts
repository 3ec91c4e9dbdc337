// Calculates how many workers a pool wants, without knowing any worker. A pool
// grows at once, and shrinks only by workers not needed for a while.

/** Limits of the number of workers. */
export interface Limits {
  /** Number of workers that start ahead and stay; unset, the pool is not elastic. */
  min: number | undefined;
  max: number;
}

/** Settings that `Sizing` uses. */
export interface SizingSettings {
  limits: Limits;
  idleTimeout: number;
  /** The pool's clock, in ms. */
  now: () => number;
}

/** The size of a pool. */
export class Sizing {
  #limits: Limits;
  /** Time in ms after which a worker above `min` stops if it is not needed. */
  readonly #idleTimeout: number;
  /**
   * Times since which at least one, two, three workers have been idle. It does
   * not matter which: if jobs go around, no worker is idle for long.
   */
  readonly #idleSince: number[] = [];
  /** Whether the workers that `start()` waits for are wanted without jobs. */
  isStarting = false;
  readonly #now: () => number;

  constructor({ limits, idleTimeout, now }: SizingSettings) {
    this.#limits = limits;
    this.#idleTimeout = idleTimeout;
    this.#now = now;
  }

  get max(): number {
    return this.#limits.max;
  }

  /** Whether workers start ahead, and stop. */
  get isElastic(): boolean {
    return this.#limits.min !== undefined;
  }

  /** Number of workers that must be ready before the pool counts as started. */
  get startsWith(): number {
    return this.#limits.min ?? this.#limits.max;
  }

  /** Number of workers that are kept, or started, without jobs. */
  get #least(): number {
    return this.isStarting ? this.startsWith : this.#limits.min ?? 0;
  }

  /** Returns the number of workers wanted for a number of jobs. */
  wanted(jobs: number): number {
    return Math.max(this.#least, Math.min(jobs, this.max));
  }

  /** @param idle Number of idle workers now */
  resize(limits: Limits, idle: number): void {
    const wasElastic = this.isElastic;
    this.#limits = limits;
    if (this.isElastic && wasElastic) return;
    this.#idleSince.length = 0;
    for (let i = 0; i < idle; i++) this.rests();
  }

  /** Records that a worker has become idle. */
  rests(): void {
    if (this.isElastic) this.#idleSince.push(this.#now());
  }

  /** Records that an idle worker has a job. */
  works(): void {
    this.#idleSince.pop();
  }

  /** Records that an idle worker is gone; the rest were needed more recently. */
  leaves(): void {
    this.#idleSince.shift();
  }

  /** Returns how many of `size` workers were not needed for `idleTimeout`. */
  unneeded(size: number, now: number): number {
    const isOver = (since: number) => now - since >= this.#idleTimeout;
    const count = this.#idleSince.findIndex((since) => !isOver(since));
    const over = count < 0 ? this.#idleSince.length : count;
    return Math.max(0, Math.min(over, size - this.#least));
  }

  /** Whether any of `size` workers can stop. */
  mayShrink(size: number): boolean {
    return this.isElastic && size > this.#least;
  }

  /** Time when the next worker may have been unneeded for long enough. */
  get nextIdle(): number {
    return (this.#idleSince[0] ?? Infinity) + this.#idleTimeout;
  }
}

/** Facts about a worker that is replaced after a number of jobs. */
export interface Wear {
  /** Number of jobs that can still be sent to the worker. */
  jobsLeft: number;
  /** Total number of jobs sent to a worker before it is replaced. */
  jobs: number;
  /** Mean time of a job in ms. */
  mean: number;
}

/**
 * Returns how many workers will be used up, one after the other, before a
 * worker that starts now is ready: that number has to start now.
 */
export function usedUpWithin(
  ms: number,
  { jobsLeft, jobs, mean }: Wear,
): number {
  const left = jobsLeft === 0 ? 0 : jobsLeft * mean;
  return left >= ms ? 0 : 1 + Math.floor((ms - left) / (jobs * mean));
}
