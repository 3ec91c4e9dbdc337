// Decides how many items of a map share a job, and how many the map holds: more
// while items prove to be small, fewer when they do not.

/** Target time of a batch in ms. */
const GOAL = 0.5;
/** Maximum number of items that share a job. */
const MOST_SHARING = 512;
/** Maximum number of jobs, after batches that failed, before a larger batch is tried. */
const MOST_PATIENCE = 1024;
/** Round trip in ms up to which items are quick: more of them keep the workers busy. */
const QUICK = 4;
/** Number of items, or batches, that a map holds for each job that can run at once. */
const ITEMS = 2;
const BATCHES = 4;
/** Maximum number of items that a map holds by default. */
const MOST_ITEMS = 16 * 1024;

/** Adapts to the time and outcome of each job. */
export class MapPace {
  readonly #pool: { readonly places: number };
  readonly #window: number | undefined;
  readonly #mayShare: boolean;
  /** Number of items that keep the workers busy if each has its own job. */
  #alone: number;
  #sharing = 1;
  /** Number of items that were too many for a job. */
  #ceiling = Infinity;
  /** Number of jobs before a larger batch is tried. */
  #wait = 0;
  #patience = 1;

  /**
   * @param pool Reports how many jobs can run at once, which can change
   * @param mayShare Whether items may share jobs
   * @param window Maximum number of items that are held, if given
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

  /** Number of items for the jobs that can run at once. */
  get #least(): number {
    return ITEMS * this.#pool.places;
  }

  /** Maximum number of items that the map may hold. */
  get window(): number {
    if (this.#window !== undefined) return this.#window;
    const shared = this.#sharing > 1
      ? BATCHES * this.#sharing * this.#pool.places
      : 0;
    return Math.min(MOST_ITEMS, Math.max(this.#alone, this.#least, shared));
  }

  /** Maximum number of jobs in flight. Items that wait share jobs better, with newer measurements. */
  get jobs(): number {
    return Math.max(this.#alone, BATCHES * this.#pool.places);
  }

  /** Number of items that share a job; some items must be left for each worker. */
  get sharing(): number {
    if (this.#window === undefined) return this.#sharing;
    const part = Math.floor(this.#window / this.#least);
    return Math.max(1, Math.min(this.#sharing, part));
  }

  /**
   * Records that a job with a single item came back after `time` ms.
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

  /** Records that a job has run all its `count` items in `time` ms. */
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

  /** Records that of `count` items, too many or too large for a job, only `enough` fit. */
  failed(count: number, enough: number): void {
    this.#ceiling = count;
    this.#sharing = Math.max(1, Math.min(this.#sharing, enough));
    this.#wait = this.#patience;
    this.#patience = Math.min(MOST_PATIENCE, 2 * this.#patience);
  }
}
