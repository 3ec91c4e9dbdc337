// Threads that were told to end, until they have: one that goes on is lost.

import type { Life } from "./life.ts";

/** A thread that goes on this many ms after it was told to end is lost. */
const LOST_AFTER = 500;

/** What is known of a thread that was told to end. */
interface Leaving {
  isLost: boolean;
  timer: number;
}

/** The threads of a pool that were told to end, and have not. */
export class LeavingThreads {
  readonly #onChange: () => void;
  readonly #all = new Map<Life, Leaving>();
  #isStopped = false;

  /** @param onChange Hears that one has ended */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** How many there are. */
  get count(): number {
    return this.#all.size;
  }

  /** How many of them are known to go on. */
  get lost(): number {
    let lost = 0;
    for (const { isLost } of this.#all.values()) if (isLost) lost++;
    return lost;
  }

  /**
   * A thread was told to end.
   *
   * @param isLooping Whether it is known to hear nothing
   * @param onLost Hears that it goes on
   */
  add(life: Life, isLooping: boolean, onLost: () => void): void {
    if (this.#isStopped || life.hasEnded) return life.ignore();
    const tell = () => {
      leaving.isLost = true;
      onLost();
    };
    const timer = setTimeout(tell, isLooping ? 0 : LOST_AFTER);
    const leaving = {
      isLost: isLooping,
      timer: timer as unknown as number,
    };
    // It keeps no process from ending.
    Deno.unrefTimer(leaving.timer);
    this.#all.set(life, leaving);
    life.onEnd = () => {
      clearTimeout(leaving.timer);
      this.#all.delete(life);
      this.#onChange();
    };
  }

  /** Nobody waits for their ends any more. */
  stop(): void {
    this.#isStopped = true;
    for (const [life, { isLost, timer }] of this.#all) {
      clearTimeout(timer);
      life.ignore();
      if (!isLost) this.#all.delete(life);
    }
  }
}
