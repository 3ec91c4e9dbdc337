// Tracks terminated threads until they have ended. A thread that continues is lost.

import { clearTimeout, setTimeout } from "node:timers";
import type { Life } from "./life.ts";

/** Time in ms that a terminated thread has to end. */
const LOST_AFTER = 500;
/** Additional time in ms for main to be notified of the end. */
const HEARD_AFTER = 20;

/** State of a terminated thread. */
interface Leaving {
  isLost: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The terminated threads of a pool that have not ended. */
export class LeavingThreads {
  readonly #onChange: () => void;
  readonly #all = new Map<Life, Leaving>();
  #isStopped = false;

  /** @param onChange Called when a thread has ended */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Number of terminated threads that have not ended. */
  get count(): number {
    return this.#all.size;
  }

  /** Number of these threads that are lost. */
  get lost(): number {
    let lost = 0;
    for (const { isLost } of this.#all.values()) if (isLost) lost++;
    return lost;
  }

  /**
   * Adds a terminated thread.
   *
   * @param isLooping Whether the thread is in a loop, which makes it lost at once
   * @param onLost Called when the thread is lost
   */
  add(life: Life, isLooping: boolean, onLost: () => void): void {
    if (this.#isStopped || life.hasEnded) return life.ignore();
    const leaving: Leaving = { isLost: isLooping, timer: undefined };
    const after = (ms: number, act: () => void) => {
      leaving.timer = setTimeout(act, ms);
      // The timer must not keep the process alive.
      leaving.timer.unref();
    };
    const tell = () => {
      leaving.isLost = true;
      onLost();
    };
    if (isLooping) after(0, tell);
    // After a busy turn, the thread's end may have arrived but not been read.
    else after(LOST_AFTER, () => after(HEARD_AFTER, tell));
    this.#all.set(life, leaving);
    life.onEnd = () => {
      clearTimeout(leaving.timer);
      this.#all.delete(life);
      this.#onChange();
    };
  }

  /** Stops waiting for threads to end; still counts threads that are lost. */
  stop(): void {
    this.#isStopped = true;
    for (const [life, { isLost, timer }] of this.#all) {
      clearTimeout(timer);
      life.ignore();
      if (!isLost) this.#all.delete(life);
    }
  }
}
