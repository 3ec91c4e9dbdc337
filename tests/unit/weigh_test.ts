import { assert, assertEquals, assertLess } from "@std/assert";
import { WINDOW } from "../../src/flow/window.ts";
import { weigh } from "../../src/moving/weigh.ts";

const LARGE = 100_000;
const text = "x".repeat(LARGE);

const HOLDERS: Record<string, object> = {
  "a property": { text },
  "an item": [1, text],
  "a value of a Map": new Map([["a", text]]),
  "a key of a Map": new Map([[text, 1]]),
  "an item of a Set": new Set([text]),
  "a key of an object": { [text]: 1 },
  "bytes": { bytes: new Uint8Array(LARGE) },
  "a buffer": [new ArrayBuffer(LARGE)],
  "a Blob": { blob: new Blob([text]) },
  "an error's message": new Error(text),
  "nested objects": { a: [{ b: new Map([["c", [text]]]) }] },
};

for (const [name, object] of Object.entries(HOLDERS)) {
  Deno.test(`weigh() counts ${name}`, () => {
    const size = weigh(object);
    assert(size >= LARGE && size < 1.1 * LARGE, `${size}`);
  });
}

Deno.test("weigh() counts a repeated string each time, and repeated bytes once", () => {
  assert(weigh([text, text, text]) >= 3 * LARGE);
  const bytes = new Uint8Array(LARGE);
  const ring: Record<string, unknown> = { bytes, again: bytes };
  ring.self = [ring, new Map([[ring, ring]])];
  assertLess(weigh(ring), 1.1 * LARGE);
});

Deno.test("weigh() stops counting at the window", () => {
  assertEquals(weigh(Array.from({ length: 1_000_000 }, (_, i) => i)), WINDOW);
  assertEquals(weigh({ text: "x".repeat(3 * WINDOW) }), WINDOW);
});

Deno.test("weigh() returns the same size for all small objects", () => {
  for (const object of [{}, [1], { id: 1, tags: ["b", "c"] }]) {
    assertEquals(weigh(object), 4 * 1024);
  }
});

Deno.test("weigh() with a sample estimates the size of many objects from the first", () => {
  const rows = Array.from(
    { length: 10_000 },
    (_, i) => ({ i, text: "x".repeat(90) }),
  );
  const all = weigh(rows, Infinity);
  const some = weigh(rows, Infinity, 100);
  assert(some > 0.9 * all && some < 1.1 * all, `${some} of ${all}`);
});
