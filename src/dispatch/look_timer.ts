// When main looks at the workers by itself: a worker tells of what it has done
// at intervals, and what came after its last word is found so.

/** How many ms after the last that happened. */
export const LOOK_AFTER = 2;

/** Looks shortly after the last that happened, and for as long as that is of use. */
export class LookTimer {
  readonly #look: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether something has happened since the timer was set. */
  #again = false;
  #isStopped = false;

  /** @param look Looks; `true` if that should be done again */
  constructor(look: () => boolean) {
    this.#look = look;
  }

  /** Something has happened. */
  soon(): void {
    this.#again = true;
    this.#start();
  }

  #start(): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const again = this.#again;
      this.#again = false;
      if (this.#look() || again) this.#start();
    }, LOOK_AFTER);
  }

  /** Looks no more until something happens again. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
