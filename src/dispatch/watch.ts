// When main looks at its workers by itself: one timer, set for the first of all
// that may be due.

import { callOutside } from "../values/async_context.ts";
import type { Clock, Timer } from "../values/clock.ts";

/** Milliseconds after the last that happened when main looks: a worker tells at intervals only. */
export const LOOK_AFTER_MS = 2;
/** How often, in ms, main looks for workers that are held by something other than their jobs. */
const STALL_EVERY = 250;

/**
 * Why main looks: something may have come without a word, a worker may do nothing,
 * a job's time may be over, or a grace, or workers may not be needed any more.
 */
type Reason = "look" | "stall" | "timeout" | "grace" | "idle";

/** A look, and what is due at it. */
export interface Look {
  now: number;
  /** By how many ms it comes later than it was due, since this thread was busy, or stood still. */
  late: number;
  isDue(reason: Reason): boolean;
}

/** The one alarm. */
export class Watch {
  readonly #onDue: (look: Look) => void;
  readonly #clock: Clock;
  /** Then all is told of at once, and only times are watched. */
  readonly #onCallerThread: boolean;
  /** When each is due, on main's clock. */
  readonly #due = new Map<Reason, number>();
  #timer: Timer | undefined;
  /** Whether its timers keep the process. Before the first job there is none. */
  #keepsProcess = true;
  #timerDue = Infinity;
  /** When the timer is to ring, which may have been due before it was set. */
  #ringsAt = 0;
  /** How many looks are to follow each other. */
  #looks = 0;
  #isStopped = false;

  /** @param settings The pool's clock, and whether the caller's own thread runs all jobs */
  constructor(
    onDue: (look: Look) => void,
    { clock, onCallerThread }: { clock: Clock; onCallerThread: boolean },
  ) {
    this.#onDue = onDue;
    this.#clock = clock;
    this.#onCallerThread = onCallerThread;
  }

  /** Something has happened that a worker may not tell of: looks twice, or as often as is said. */
  soon(looks = 2): void {
    if (this.#onCallerThread) return;
    if (this.#looks === 0) this.at("look", this.#clock.now() + LOOK_AFTER_MS);
    this.#looks = Math.max(this.#looks, looks);
  }

  /** A job may execute for `ms` from now. */
  expectTimeout(ms: number): void {
    if (ms < Infinity) this.at("timeout", this.#clock.now() + ms);
  }

  /** A worker has jobs. */
  expectStall(): void {
    if (this.#onCallerThread || this.#due.has("stall")) return;
    this.at("stall", this.#clock.now() + STALL_EVERY);
  }

  /** Looks at a time. */
  at(reason: Reason, due: number): void {
    if (this.#isStopped || due >= (this.#due.get(reason) ?? Infinity)) return;
    this.#due.set(reason, due);
    this.#arm();
  }

  #arm(): void {
    const due = Math.min(...this.#due.values());
    if (due === this.#timerDue && due < Infinity) return;
    const { timers } = this.#clock;
    timers.clearTimeout(this.#timer);
    this.#timerDue = due;
    if (due === Infinity) return;
    const now = this.#clock.now();
    const ms = Math.ceil(Math.max(0, due - now));
    this.#ringsAt = now + ms;
    const timer = this.#timer = timers.setTimeout(
      () => callOutside(() => this.#ring()),
      ms,
    );
    // To stop workers that are not needed is no reason to keep the process; a
    // thread that has to stop keeps it by itself.
    const isNoReason = !this.#keepsProcess || due === this.#due.get("idle");
    // A fake timer may be a number.
    if (isNoReason) timer.unref?.();
  }

  #ring(): void {
    const now = this.#clock.now();
    const late = Math.max(0, now - this.#ringsAt);
    const due = new Set<Reason>();
    for (const [reason, at] of this.#due) {
      if (at > now) continue;
      due.add(reason);
      this.#due.delete(reason);
    }
    this.#timerDue = Infinity;
    if (due.has("look") && --this.#looks > 0) {
      this.at("look", now + LOOK_AFTER_MS);
    }
    this.#onDue({ now, late, isDue: (reason) => due.has(reason) });
    this.#arm();
  }

  /** The pool has something to do again. */
  resume(): void {
    this.#keepsProcess = true;
    this.#timerDue = Infinity;
    this.#arm();
    this.expectStall();
  }

  /** Looks no more until something happens, but for workers that are left alone, stop, or are not needed. */
  pause(): void {
    this.#keepsProcess = false;
    this.#timerDue = Infinity;
    for (const reason of ["look", "stall", "timeout"] as const) {
      this.#due.delete(reason);
    }
    this.#looks = 0;
    this.#arm();
  }

  /** Looks no more. */
  stop(): void {
    this.#due.delete("grace");
    this.#due.delete("idle");
    this.pause();
    this.#isStopped = true;
  }
}
