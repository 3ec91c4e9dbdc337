// How many workers a pool wants: a policy in numbers, which knows no worker. It
// grows at once, and shrinks only by what was not needed for a while.

/** How many workers there may be. */
export interface Limits {
  /** The workers that start ahead, and do not stop; without it, none starts ahead, and none stops. */
  min: number | undefined;
  max: number;
}

/** What is known of it from the start. */
export interface SizingSettings {
  limits: Limits;
  idleTimeout: number;
  /** The pool's clock, in ms. */
  now: () => number;
}

/** The size of a pool. */
export class Sizing {
  #limits: Limits;
  /** Milliseconds without need after which a worker above `min` stops. */
  readonly #idleTimeout: number;
  /**
   * Since when at least one, two, three workers have had nothing to do. Which ones
   * does not matter: where jobs go round, none has nothing to do for long.
   */
  readonly #idleSince: number[] = [];
  /** Whether those that `start()` waits for start ahead. */
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

  /** How many are to be ready before a pool counts as started. */
  get startsWith(): number {
    return this.#limits.min ?? this.#limits.max;
  }

  /** How many are kept, or started, though there is no job for them. */
  get #least(): number {
    return this.isStarting ? this.startsWith : this.#limits.min ?? 0;
  }

  /** How many workers are wanted for a number of jobs. */
  wanted(jobs: number): number {
    return Math.max(this.#least, Math.min(jobs, this.max));
  }

  /** @param idle How many workers have nothing to do now */
  resize(limits: Limits, idle: number): void {
    const wasElastic = this.isElastic;
    this.#limits = limits;
    if (this.isElastic && wasElastic) return;
    this.#idleSince.length = 0;
    for (let i = 0; i < idle; i++) this.rests();
  }

  /** A worker has nothing to do. */
  rests(): void {
    if (this.isElastic) this.#idleSince.push(this.#now());
  }

  /** One of those that had nothing to do has a job. */
  works(): void {
    this.#idleSince.pop();
  }

  /** One of those that had nothing to do is gone: what remains was needed more lately. */
  leaves(): void {
    this.#idleSince.shift();
  }

  /** How many workers, of `size`, have not been needed for long enough. */
  unneeded(size: number, now: number): number {
    const isOver = (since: number) => now - since >= this.#idleTimeout;
    const count = this.#idleSince.findIndex((since) => !isOver(since));
    const over = count < 0 ? this.#idleSince.length : count;
    return Math.max(0, Math.min(over, size - this.#least));
  }

  /** Whether any of `size` workers may stop. */
  mayShrink(size: number): boolean {
    return this.isElastic && size > this.#least;
  }

  /** When a worker may next have been unneeded for long enough. */
  get nextIdle(): number {
    return (this.#idleSince[0] ?? Infinity) + this.#idleTimeout;
  }
}

/** What is known of a worker that is replaced after a number of jobs. */
export interface Wear {
  /** How many jobs it may still be sent. */
  jobsLeft: number;
  /** How many it is sent altogether. */
  jobs: number;
  /** How many ms one of them takes. */
  mean: number;
}

/**
 * How many workers will have been used up, one after the other, by the time that a
 * worker which starts now is ready: that number has to start now.
 */
export function usedUpWithin(
  ms: number,
  { jobsLeft, jobs, mean }: Wear,
): number {
  const left = jobsLeft === 0 ? 0 : jobsLeft * mean;
  return left >= ms ? 0 : 1 + Math.floor((ms - left) / (jobs * mean));
}
