// Tests MapPace: how many items of a map share a job, and how many a map holds.
import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { MapPace } from "../../src/pool/map_pace.ts";

/** Returns a pace after small items, so the maximum number of items share a job. */
function quickPace(): MapPace {
  const pace = new MapPace({ places: 2 }, true);
  for (let i = 0; i < 20; i++) pace.ran(pace.sharing, 0.01);
  return pace;
}

Deno.test("MapPace starts with items that go alone, two for each place", () => {
  const pace = new MapPace({ places: 3 }, true);
  assertEquals([pace.sharing, pace.window], [1, 6]);
});

Deno.test("MapPace lets more and more small items share a job", () => {
  const pace = new MapPace({ places: 2 }, true);
  pace.ranAlone(0.1, true);
  assertEquals(pace.sharing, 2);
  pace.ran(2, 0.01);
  assertEquals(pace.sharing, 4);
  assertEquals(quickPace().sharing, 512);
});

Deno.test("MapPace does not grow after a batch that was not full", () => {
  const pace = new MapPace({ places: 2 }, true);
  pace.ranAlone(0.1, true);
  pace.ran(2, 0.01);
  pace.ran(3, 0.01);
  assertEquals(pace.sharing, 4);
});

Deno.test("MapPace does not let slow items share a job", () => {
  const pace = new MapPace({ places: 2 }, true);
  for (let i = 0; i < 100; i++) pace.ranAlone(5, true);
  assertEquals([pace.sharing, pace.window], [1, 4]);
});

Deno.test("MapPace lets half a millisecond of items share a job", () => {
  const pace = quickPace();
  pace.ran(512, 5);
  assertEquals(pace.sharing, 51);
});

Deno.test("MapPace reduces sharing after a failure, and waits longer each time before it tries more", () => {
  const pace = new MapPace({ places: 2 }, true);
  const tries: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    if (pace.sharing === 1) pace.ranAlone(0.1, true);
    else {
      tries.push(i);
      pace.failed(2, 1);
    }
  }
  assertLessOrEqual(tries.length, 10);
  assertLess(tries[1] - tries[0], tries[4] - tries[3]);
});

Deno.test("MapPace forgets a limit after enough successful batches", () => {
  const pace = quickPace();
  pace.failed(512, 256);
  assertEquals(pace.sharing, 256);
  pace.ran(256, 0.01);
  pace.ran(256, 0.01);
  assertEquals(pace.sharing, 512);
  pace.ran(512, 0.01);
  pace.failed(512, 256);
  pace.ran(256, 0.01);
  pace.ran(256, 0.01);
  assertEquals(pace.sharing, 512);
});

Deno.test("MapPace holds more items while items are quick and awaited", () => {
  const pace = new MapPace({ places: 1 }, false);
  for (let i = 0; i < 100; i++) pace.ranAlone(1, true);
  assertEquals([pace.sharing, pace.window], [1, 102]);
  for (let i = 0; i < 100; i++) pace.ranAlone(1, false);
  assertEquals(pace.window, 102);
  for (let i = 0; i < 300; i++) pace.ranAlone(10, true);
  assertEquals(pace.window, 2);
});

Deno.test("MapPace holds at most 16 384 items", () => {
  const alone = new MapPace({ places: 1 }, false);
  for (let i = 0; i < 20_000; i++) alone.ranAlone(1, true);
  const shared = new MapPace({ places: 100 }, true);
  for (let i = 0; i < 20; i++) shared.ran(shared.sharing, 0.01);
  assertEquals([alone.window, shared.window], [16_384, 16_384]);
});

Deno.test("MapPace respects a given window, and leaves items for each worker", () => {
  const pace = new MapPace({ places: 2 }, true, 40);
  for (let i = 0; i < 20; i++) pace.ran(pace.sharing, 0.01);
  assertEquals(pace.window, 40);
  assertLessOrEqual(pace.sharing, 10);
  const one = new MapPace({ places: 4 }, true, 1);
  one.ranAlone(0.1, true);
  assertEquals([one.sharing, one.window], [1, 1]);
});
