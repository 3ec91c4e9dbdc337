// The clocks of a pool. Fake time in a test replaces `Date` and the global timers,
// but not `performance.now()`, so a pool that mixed both would wait for the wrong
// time. So each clock has its own timers.

import * as timers from "node:timers";
import { performanceNow } from "./intrinsics.ts";

/** A timer; with fake time, it can be a number instead. */
export type Timer = ReturnType<typeof timers.setTimeout>;

/** A clock and the timers that use it. */
export interface Clock {
  /** Returns the time in ms. */
  now(): number;
  readonly timers: Pick<typeof timers, "setTimeout" | "clearTimeout">;
}

/** Real time: `FakeTime` of `@std/testing` replaces only the global timers; `node:test` stops these, too. */
export const REAL_CLOCK: Clock = { now: performanceNow, timers };

/** Time of `Date` and the global timers, which a test can replace at any time. */
export const GLOBAL_CLOCK: Clock = {
  now: () => Date.now(),
  timers: globalThis,
};
