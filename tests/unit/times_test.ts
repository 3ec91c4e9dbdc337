import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Series } from "../../src/job/times.ts";

/** Returns a series of these times. */
function seriesOf(times: readonly number[]): Series {
  const series = new Series();
  for (const ms of times) series.add(ms);
  return series;
}

/** Times from far below a microsecond to days. */
const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
const short = fc.double({ min: 0, max: 10, noNaN: true });
const list = fc.array(fc.oneof(ms, short), { minLength: 1, maxLength: 300 });

/** Asserts that `actual` is close, or that both are too short to distinguish. */
function assertNear(actual: number, exact: number, part: number) {
  const error = Math.abs(actual - exact);
  const isNear = error <= exact * part || Math.max(actual, exact) < 1e-4;
  assert(isNear, `Expected about ${exact}, got ${actual}`);
}

/** Returns the shortest time such that this part of the times is not longer. */
function percentile(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(times.length * part) - 1)];
}

Deno.test("Series.since() returns the exact count and max, and percentiles accurate to 2 %", () => {
  fc.assert(fc.property(list, (times) => {
    const { count, sum, mean, p50, p99, max } = seriesOf(times).since();
    assertEquals([count, max], [times.length, Math.max(...times)]);
    assertNear(sum, times.reduce((a, b) => a + b), 1e-9);
    assertNear(mean * count, sum, 1e-9);
    assertNear(p50, percentile(times, 0.5), 0.02);
    assertNear(p99, percentile(times, 0.99), 0.02);
    assertLessOrEqual(p99, max);
  }));
});

Deno.test("Series.since() returns statistics of the times added after a copy", () => {
  fc.assert(fc.property(list, list, (first, second) => {
    const series = seriesOf(first);
    const before = series.copy();
    for (const ms of second) series.add(ms);
    const { count, p50, p99, max } = series.since(before);
    assertEquals(count, second.length);
    assertNear(p50, percentile(second, 0.5), 0.02);
    assertNear(p99, percentile(second, 0.99), 0.02);
    const longest = Math.max(...second);
    assertNear(max, longest, 0.04);
    assert(max >= longest || longest < 1e-4, `${max} is below ${longest}`);
    assertEquals(before.since(), seriesOf(first).since());
  }));
});

Deno.test("Series.since() returns zeros if nothing was added", () => {
  const none = { count: 0, sum: 0, mean: 0, p50: 0, p99: 0, max: 0 };
  const series = seriesOf([1, 2, 3]);
  assertEquals(series.since(series.copy()), none);
  assertEquals(new Series().since(), none);
});

Deno.test("Series.since() counts the times that are not above each bound", () => {
  const series = seriesOf([0, 0.4, 0.6, 3, 7, 7, 40, 900, 1e8]);
  const { buckets } = series.since(undefined, [0.5, 1, 5, 10, 100, 1_000]);
  assertEquals(buckets, [2, 3, 4, 6, 7, 8]);
  const before = series.copy();
  series.add(8);
  assertEquals(series.since(before, [5, 10, 100]).buckets, [0, 1, 1]);
  fc.assert(fc.property(list, fc.uniqueArray(short), (times, bounds) => {
    bounds.sort((a, b) => a - b);
    const { buckets } = seriesOf(times).since(undefined, bounds);
    for (const [i, count] of buckets!.entries()) {
      const least = times.filter((ms) => ms <= bounds[i] * 0.98 - 1e-4).length;
      const most = times.filter((ms) => ms <= bounds[i] * 1.02 + 1e-4).length;
      assert(least <= count && count <= most, `${least} ${count} ${most}`);
    }
  }));
});
