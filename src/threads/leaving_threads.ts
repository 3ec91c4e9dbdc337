// Threads that were told to end, until they have: one that goes on is lost.

import { clearTimeout, setTimeout } from "node:timers";
import type { Life } from "./life.ts";

/** A thread that goes on this many ms after it was told to end is lost. */
const LOST_AFTER = 500;
/** And this many ms after this thread could have heard of its end. */
const HEARD_AFTER = 20;

/** What is known of a thread that was told to end. */
interface Leaving {
  isLost: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
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
    const leaving: Leaving = { isLost: isLooping, timer: undefined };
    const after = (ms: number, act: () => void) => {
      leaving.timer = setTimeout(act, ms);
      // It keeps no process from ending.
      leaving.timer.unref();
    };
    const tell = () => {
      leaving.isLost = true;
      onLost();
    };
    if (isLooping) after(0, tell);
    // Its end may be here, and unread since this thread was busy.
    else after(LOST_AFTER, () => after(HEARD_AFTER, tell));
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
