import { assertEquals } from "@std/assert";
import {
  type Limits,
  Sizing,
  usedUpWithin,
} from "../../src/dispatch/sizing.ts";

/** Replaces the clock that sizing reads. */
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

Deno.test("Sizing.wanted() is one for each job, at most max, and at least min", () => {
  const fixed = sizingOf(FIXED);
  const elastic = sizingOf(ELASTIC);
  assertEquals([0, 1, 3, 9].map((jobs) => fixed.wanted(jobs)), [0, 1, 3, 4]);
  assertEquals([0, 1, 3, 9].map((jobs) => elastic.wanted(jobs)), [2, 2, 3, 4]);
});

Deno.test("a Sizing that is starting wants all of a fixed size", () => {
  const fixed = sizingOf(FIXED);
  fixed.isStarting = true;
  assertEquals([fixed.startsWith, fixed.wanted(0)], [4, 4]);
  fixed.isStarting = false;
  assertEquals(fixed.wanted(0), 0);
});

/** An elastic pool of this many workers, all of which have nothing to do from now on. */
function resting(count: number): Sizing {
  const sizing = sizingOf({ min: 1, max: 8 });
  for (let i = 0; i < count; i++) sizing.rests();
  return sizing;
}

const unneeded = (sizing: Sizing, size: number) =>
  sizing.unneeded(size, performance.now());

Deno.test("Sizing.unneeded() counts what was one too many all the time, and leaves min", () => {
  using time = fakeClock();
  const sizing = resting(3);
  time.tick(999);
  assertEquals(unneeded(sizing, 3), 0);
  time.tick(1);
  assertEquals(unneeded(sizing, 3), 2);
});

Deno.test("Sizing.unneeded() does not care which worker has nothing to do", () => {
  using time = fakeClock();
  const sizing = resting(3);
  // One is always at work, but never the same: two of three are too many.
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
  // Two were needed at once just now.
  assertEquals(unneeded(sizing, 3), 1);
});

Deno.test("Sizing.leaves() shortens the time of those that remain", () => {
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

Deno.test("Sizing.resize() to an elastic size counts from then on", () => {
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

Deno.test("usedUpWithin() counts workers that follow each other", () => {
  const wear = { jobsLeft: 0, jobs: 1, mean: 50 };
  assertEquals(usedUpWithin(90, wear), 2);
  assertEquals(usedUpWithin(40, wear), 1);
  assertEquals(usedUpWithin(90, { ...wear, jobsLeft: 1, jobs: 2 }), 1);
  assertEquals(usedUpWithin(90, { ...wear, jobsLeft: 2, jobs: 2 }), 0);
  // Of jobs that are not known, only the last one is certain to be the last.
  assertEquals(usedUpWithin(90, { ...wear, mean: Infinity }), 1);
  assertEquals(usedUpWithin(90, { jobsLeft: 1, jobs: 2, mean: Infinity }), 0);
});
