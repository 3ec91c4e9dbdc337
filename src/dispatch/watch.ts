// Decides when main checks its workers by itself: one timer serves all reasons.

import { callOutside } from "../values/async_context.ts";
import type { Clock, Timer } from "../values/clock.ts";

/** Time in ms from an event to a check: workers report only at intervals. */
export const LOOK_AFTER_MS = 2;
/** Interval in ms of checks for workers blocked by something other than their jobs. */
const STALL_EVERY = 250;

/**
 * Why main checks: results may have come without a message, a worker may do
 * nothing, a timeout or a grace may be over, or workers may not be needed any more.
 */
type Reason = "look" | "stall" | "timeout" | "grace" | "idle";

/** A check, and the reasons for it. */
export interface Look {
  now: number;
  /** Delay of the check in ms, because this thread was busy or suspended. */
  late: number;
  isDue(reason: Reason): boolean;
}

/** The timer for all checks. */
export class Watch {
  readonly #onDue: (look: Look) => void;
  readonly #clock: Clock;
  /** Whether all is reported at once, so that only deadlines need checks. */
  readonly #onCallerThread: boolean;
  /** Time when each reason is due, on main's clock. */
  readonly #due = new Map<Reason, number>();
  #timer: Timer | undefined;
  /** Whether the timers keep the process running. */
  #keepsProcess = true;
  #timerDue = Infinity;
  /** Time when the timer fires; later than `#timerDue` if that had passed. */
  #ringsAt = 0;
  /** Number of checks left in the current series. */
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

  /** Checks soon, this many times: a worker may not report every event. */
  soon(looks = 2): void {
    if (this.#onCallerThread) return;
    if (this.#looks === 0) this.at("look", this.#clock.now() + LOOK_AFTER_MS);
    this.#looks = Math.max(this.#looks, looks);
  }

  /** Checks in `ms`, when a job may have timed out. */
  expectTimeout(ms: number): void {
    if (ms < Infinity) this.at("timeout", this.#clock.now() + ms);
  }

  /** Checks later whether a worker that has jobs is blocked. */
  expectStall(): void {
    if (this.#onCallerThread || this.#due.has("stall")) return;
    this.at("stall", this.#clock.now() + STALL_EVERY);
  }

  /** Checks at this time. */
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
    // Workers that are not needed are no reason to keep the process running. A
    // stopping thread keeps it running by itself.
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

  /** Resumes the checks when the pool has work again. */
  resume(): void {
    this.#keepsProcess = true;
    this.#timerDue = Infinity;
    this.#arm();
    this.expectStall();
  }

  /** Pauses all checks, except for graces and workers that are not needed. */
  pause(): void {
    this.#keepsProcess = false;
    this.#timerDue = Infinity;
    for (const reason of ["look", "stall", "timeout"] as const) {
      this.#due.delete(reason);
    }
    this.#looks = 0;
    this.#arm();
  }

  /** Ends all checks. */
  stop(): void {
    this.#due.delete("grace");
    this.#due.delete("idle");
    this.pause();
    this.#isStopped = true;
  }
}
