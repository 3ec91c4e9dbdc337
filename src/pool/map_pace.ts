// How many items of a map share a job, and how many it holds at once: more and
// more while they prove to be small, and fewer when they do not.

/** Milliseconds that a batch is to take. */
const GOAL = 0.5;
/** The most items that share a job. */
const MOST_SHARING = 512;
/** The most jobs, after batches that failed, before a larger one is tried. */
const MOST_PATIENCE = 1024;
/** Items that take fewer ms, there and back, are quick: more of them keep the workers busy. */
const QUICK = 4;
/** Items, or batches, that a map holds for each job that can run at once. */
const ITEMS = 2;
const BATCHES = 4;
/** And the most items. */
const MOST_ITEMS = 16 * 1024;

/** Learns from each job. */
export class MapPace {
  readonly #pool: { readonly places: number };
  readonly #window: number | undefined;
  readonly #mayShare: boolean;
  /** How many items that go alone keep the workers busy. */
  #alone: number;
  #sharing = 1;
  /** How many items were too many for a job. */
  #ceiling = Infinity;
  /** How many jobs come before more items are tried. */
  #wait = 0;
  #patience = 1;

  /**
   * @param pool Says how many jobs can run at once, which may change
   * @param mayShare Whether items may share jobs
   * @param window How many items may be held, if that is given
   */
  constructor(
    pool: { readonly places: number },
    mayShare: boolean,
    window?: number,
  ) {
    this.#pool = pool;
    this.#mayShare = mayShare;
    this.#window = window;
    this.#alone = this.#least;
  }

  /** How many items there are for the jobs that can run at once. */
  get #least(): number {
    return ITEMS * this.#pool.places;
  }

  /** How many items may be held. */
  get window(): number {
    if (this.#window !== undefined) return this.#window;
    const shared = this.#sharing > 1
      ? BATCHES * this.#sharing * this.#pool.places
      : 0;
    return Math.min(MOST_ITEMS, Math.max(this.#alone, this.#least, shared));
  }

  /** How many jobs may be in flight: those that wait share better with what is known later. */
  get jobs(): number {
    return Math.max(this.#alone, BATCHES * this.#pool.places);
  }

  /** How many items are to share a job: some must be left for each worker. */
  get sharing(): number {
    if (this.#window === undefined) return this.#sharing;
    const part = Math.floor(this.#window / this.#least);
    return Math.max(1, Math.min(this.#sharing, part));
  }

  /**
   * An item went alone, and was back after `time` ms.
   *
   * @param isAwaited Whether results are awaited, so that more items would help
   */
  ranAlone(time: number, isAwaited: boolean): void {
    if (time > QUICK) {
      this.#alone = Math.max(this.#least, this.#alone - 1);
      return;
    }
    if (isAwaited && this.#alone < MOST_ITEMS) this.#alone++;
    if (this.#mayShare) this.ran(1, 0);
  }

  /** A job has run all its items, in `time` ms. */
  ran(count: number, time: number): void {
    if (count >= this.#ceiling) {
      this.#ceiling = Infinity;
      this.#patience = 1;
    }
    if (time > GOAL) {
      this.#sharing = Math.max(1, Math.floor(count * GOAL / time));
    } else if (this.#wait > 0) this.#wait--;
    else if (time * 2 <= GOAL && count >= this.#sharing) {
      this.#sharing = Math.min(MOST_SHARING, count * 2);
    }
  }

  /** Of `count` items, which were too many for a job or too large, only `enough` fit. */
  failed(count: number, enough: number): void {
    this.#ceiling = count;
    this.#sharing = Math.max(1, Math.min(this.#sharing, enough));
    this.#wait = this.#patience;
    this.#patience = Math.min(MOST_PATIENCE, 2 * this.#patience);
  }
}
