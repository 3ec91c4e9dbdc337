import { assertEquals } from "@std/assert";
import {
  type Limits,
  Sizing,
  usedUpWithin,
} from "../../src/dispatch/sizing.ts";

/** Replaces the clock until it is disposed. */
function fakeClock() {
  const { now } = performance;
  let at = 0;
  performance.now = () => at;
  return {
    tick: (ms: number) => void (at += ms),
    [Symbol.dispose]: () => void (performance.now = now),
  };
}

function sizingOf(limits: Limits): Sizing {
  const now = () => performance.now();
  return new Sizing({ limits, idleTimeout: 1_000, now });
}

const FIXED = { min: undefined, max: 4 };
const ELASTIC = { min: 2, max: 4 };

Deno.test("Sizing.wanted() returns one worker per job, at least min and at most max", () => {
  const fixed = sizingOf(FIXED);
  const elastic = sizingOf(ELASTIC);
  assertEquals([0, 1, 3, 9].map((jobs) => fixed.wanted(jobs)), [0, 1, 3, 4]);
  assertEquals([0, 1, 3, 9].map((jobs) => elastic.wanted(jobs)), [2, 2, 3, 4]);
});

Deno.test("Sizing.wanted() returns the whole fixed size while isStarting is true", () => {
  const fixed = sizingOf(FIXED);
  fixed.isStarting = true;
  assertEquals([fixed.startsWith, fixed.wanted(0)], [4, 4]);
  fixed.isStarting = false;
  assertEquals(fixed.wanted(0), 0);
});

/** Returns the size of an elastic pool whose workers are all idle from now on. */
function resting(count: number): Sizing {
  const sizing = sizingOf({ min: 1, max: 8 });
  for (let i = 0; i < count; i++) sizing.rests();
  return sizing;
}

const unneeded = (sizing: Sizing, size: number) =>
  sizing.unneeded(size, performance.now());

Deno.test("Sizing.unneeded() counts workers that were not needed for idleTimeout, and keeps min", () => {
  using time = fakeClock();
  const sizing = resting(3);
  time.tick(999);
  assertEquals(unneeded(sizing, 3), 0);
  time.tick(1);
  assertEquals(unneeded(sizing, 3), 2);
});

Deno.test("Sizing.unneeded() does not depend on which worker is idle", () => {
  using time = fakeClock();
  const sizing = resting(3);
  // One worker, never the same, always has a job: two of three are not needed.
  for (let i = 0; i < 100; i++) {
    sizing.works();
    time.tick(10);
    sizing.rests();
  }
  assertEquals(unneeded(sizing, 3), 2);
  sizing.works();
  sizing.works();
  sizing.rests();
  sizing.rests();
  // Two workers were needed at once just now.
  assertEquals(unneeded(sizing, 3), 1);
});

Deno.test("Sizing.leaves() drops the longest idle time, so the remaining workers stay longer", () => {
  using time = fakeClock();
  const sizing = resting(1);
  time.tick(600);
  sizing.rests();
  time.tick(400);
  assertEquals(unneeded(sizing, 4), 1);
  sizing.leaves();
  assertEquals(unneeded(sizing, 3), 0);
  assertEquals(sizing.nextIdle, performance.now() + 600);
});

Deno.test("Sizing.resize() to an elastic size counts idle time from then on", () => {
  using time = fakeClock();
  const sizing = sizingOf(FIXED);
  for (let i = 0; i < 4; i++) sizing.rests();
  time.tick(5_000);
  assertEquals([sizing.mayShrink(4), unneeded(sizing, 4)], [false, 0]);
  sizing.resize({ min: 1, max: 4 }, 4);
  assertEquals([sizing.mayShrink(4), unneeded(sizing, 4)], [true, 0]);
  time.tick(1_000);
  assertEquals(unneeded(sizing, 4), 3);
});

Deno.test("usedUpWithin() also counts workers that replace used-up workers", () => {
  const wear = { jobsLeft: 0, jobs: 1, mean: 50 };
  assertEquals(usedUpWithin(90, wear), 2);
  assertEquals(usedUpWithin(40, wear), 1);
  assertEquals(usedUpWithin(90, { ...wear, jobsLeft: 1, jobs: 2 }), 1);
  assertEquals(usedUpWithin(90, { ...wear, jobsLeft: 2, jobs: 2 }), 0);
  // If the mean time is unknown, only a worker without jobs left counts.
  assertEquals(usedUpWithin(90, { ...wear, mean: Infinity }), 1);
  assertEquals(usedUpWithin(90, { jobsLeft: 1, jobs: 2, mean: Infinity }), 0);
});
