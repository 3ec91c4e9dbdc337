// Tests Results: the results of a map between their jobs and their reader.
import { assertEquals } from "@std/assert";
import { Portion, Results } from "../../src/pool/map_results.ts";

/** Settles a portion with these results. */
function done(results: Results, portion: Portion, ...values: unknown[]) {
  portion.values = values;
  results.settle(portion);
}

/** Reads all available results. */
function readAll(results: Results): unknown[] {
  const read: unknown[] = [];
  for (let portion; (portion = results.peek());) {
    read.push(portion.values[portion.read++] ?? portion.error);
  }
  return read;
}

Deno.test("Results.peek() returns portions in order", () => {
  const results = new Results(true);
  const [a, b, c] = [0, 1, 2].map((i) => new Portion([i]));
  for (const portion of [a, b, c]) results.expect(portion);
  done(results, c, "c");
  assertEquals(readAll(results), []);
  done(results, a, "a1", "a2");
  assertEquals(readAll(results), ["a1", "a2"]);
  done(results, b, "b");
  assertEquals(readAll(results), ["b", "c"]);
});

Deno.test("Results.peek() returns portions as they settle if unordered", () => {
  const results = new Results(false);
  const [a, b] = [0, 1].map((i) => new Portion([i]));
  results.expect(a);
  results.expect(b);
  done(results, b, "b");
  assertEquals(readAll(results), ["b"]);
  done(results, a, "a");
  assertEquals(readAll(results), ["a"]);
});

Deno.test("Results.expect() inserts a portion right after another", () => {
  const results = new Results(true);
  const [a, b, c] = [0, 1, 2].map((i) => new Portion([i]));
  results.expect(a);
  results.expect(b);
  results.expect(c, a);
  done(results, a, "a");
  done(results, b, "b");
  assertEquals(readAll(results), ["a"]);
  done(results, c, "c");
  assertEquals(readAll(results), ["c", "b"]);
  const last = new Portion([3]);
  results.expect(last);
  done(results, last, "last");
  assertEquals(readAll(results), ["last"]);
});

Deno.test("Results.peek() returns failures after the results of their portion", () => {
  const results = new Results(true);
  const portion = new Portion([1, 2, 3]);
  results.expect(portion);
  portion.failures = 1;
  portion.error = "failed";
  done(results, portion, 1, 2);
  assertEquals(readAll(results), [1, 2, "failed"]);
});

Deno.test("Results.after() returns the later portions, and clear() removes all", () => {
  const results = new Results(true);
  const [a, b, c] = [0, 1, 2].map((i) => new Portion([i]));
  for (const portion of [a, b, c]) results.expect(portion);
  assertEquals([...results.after(a)], [b, c]);
  results.clear();
  assertEquals(results.peek(), undefined);
});
