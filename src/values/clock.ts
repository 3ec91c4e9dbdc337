// The clocks of a pool. A test with fake time replaces `Date` and the global
// timers, but not `performance.now()`: a pool that mixed both would wait for the
// wrong time. So each clock has its own timers.

import * as timers from "node:timers";
import { performanceNow } from "./intrinsics.ts";

/** A timer; that of a fake time may be a number instead. */
export type Timer = ReturnType<typeof timers.setTimeout>;

/** A clock, and the timers that go by it. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  readonly timers: Pick<typeof timers, "setTimeout" | "clearTimeout">;
}

/** The real time: `node:timers` has its own timers, whatever the global ones are. */
export const REAL_CLOCK: Clock = { now: performanceNow, timers };

/** The time of `Date` and of the global timers, which a test can replace at any time. */
export const GLOBAL_CLOCK: Clock = {
  now: () => Date.now(),
  timers: globalThis,
};
