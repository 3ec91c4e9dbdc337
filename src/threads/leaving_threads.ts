// Threads that were told to end, until they are seen to have ended: one that goes
// on is lost.

import { hasEnded } from "./liveness.ts";

/** Looks after this many ms, and then after twice as many each time. */
const FIRST_LOOK = 10;
const LONGEST_PAUSE = 250;
/** A thread that goes on this many ms after it was told to end is lost. */
const LOST_AFTER = 500;

/** A thread that was told to end. */
interface Leaving {
  /** What it shows its life by. */
  life: string;
  toldAt: number;
  isLost: boolean;
  onLost: () => void;
}

/** The threads of a pool that were told to end. */
export class LeavingThreads {
  readonly #onChange: () => void;
  #all: Leaving[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_LOOK;
  #isStopped = false;

  /** @param onChange Hears that some have ended */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** How many have not been seen to have ended. */
  get count(): number {
    return this.#all.length;
  }

  /** How many of them are known to go on. */
  get lost(): number {
    return this.#all.filter(({ isLost }) => isLost).length;
  }

  /**
   * A thread was told to end.
   *
   * @param life What it shows its life by
   * @param isLooping Whether it is known to hear nothing
   */
  add(life: string, isLooping: boolean, onLost: () => void): void {
    if (this.#isStopped) return;
    const toldAt = performance.now();
    const leaving = { life, toldAt, isLost: false, onLost };
    this.#all.push(leaving);
    if (isLooping) this.#lose(leaving);
    this.#pause = FIRST_LOOK;
    clearTimeout(this.#timer);
    this.#lookLater();
  }

  /** It keeps no process from ending. */
  #lookLater(): void {
    this.#timer = setTimeout(() => this.#look(), this.#pause);
    Deno.unrefTimer(this.#timer as unknown as number);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }

  async #look(): Promise<void> {
    const ended = new Set<Leaving>();
    for (const leaving of [...this.#all]) {
      if (await hasEnded(leaving.life)) ended.add(leaving);
    }
    if (this.#isStopped) return;
    this.#all = this.#all.filter((leaving) => !ended.has(leaving));
    const now = performance.now();
    for (const leaving of this.#all) {
      if (now - leaving.toldAt >= LOST_AFTER) this.#lose(leaving);
    }
    clearTimeout(this.#timer);
    if (this.#all.length > 0) this.#lookLater();
    if (ended.size > 0) this.#onChange();
  }

  /** Tells of it in a turn of its own: a listener may do anything. */
  #lose(leaving: Leaving): void {
    if (leaving.isLost) return;
    leaving.isLost = true;
    queueMicrotask(() => {
      if (!this.#isStopped) leaving.onLost();
    });
  }

  /** Looks no more: nobody waits for their ends. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#all = this.#all.filter(({ isLost }) => isLost);
  }
}
