// Tests toText(): accepted values come back equal; values that JSON changes are refused.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import {
  fromText,
  isDense,
  keepText,
  takeReads,
  toText,
} from "../../src/values/plain_text.ts";
import { transfer } from "../../src/values/transfer.ts";

/** Returns whether JSON keeps a value. */
function isKept(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}

const ANYTHING = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
} as fc.ObjectConstraints);

Deno.test("toText() accepts exactly the values that JSON keeps", () => {
  fc.assert(
    fc.property(fc.oneof(ANYTHING, fc.jsonValue()), (value) => {
      const text = toText(value);
      takeReads(value);
      assertEquals(text !== undefined, isKept(value), Deno.inspect(value));
      if (text !== undefined) assert(isDeepStrictEqual(fromText(text), value));
    }),
    { numRuns: 2_000 },
  );
});

class Instance {
  a = 1;
}

const shared = {};
const REFUSED: Record<string, unknown> = {
  "undefined": undefined,
  "NaN": [NaN],
  "an infinity": [Infinity],
  "-0": [-0],
  "a bigint": [1n],
  "a symbol": [Symbol("s")],
  "a function": [() => 1],
  "undefined in an object": { a: undefined },
  "a hole": [1, , 3], // deno-lint-ignore no-sparse-arrays
  "a hole and a property": Object.assign([1, , 3], { x: 1 }), // deno-lint-ignore no-sparse-arrays
  "an array with a property": Object.assign([1], { x: 1 }),
  "an instance": new Instance(),
  "an instance of an array subclass": new (class extends Array {})(),
  "an object without a prototype": Object.create(null),
  "a date": { at: new Date(0) },
  "one object at two places": [shared, shared],
  "one object at two places of many": [
    ...Array.from({ length: 40 }, () => ({})),
    shared,
    shared,
  ],
  "a boxed string": Object("s"),
  "too many values": Array(2_000).fill(1),
  "texts that are too long": ["x".repeat(9_000), "x".repeat(9_000)],
  "a text that is too long once escaped": "\0".repeat(10_000),
  "a value marked for transfer": { bytes: transfer([1]) },
};

for (const [name, value] of Object.entries(REFUSED)) {
  Deno.test(`toText() refuses ${name}`, () => {
    assertEquals(toText(value), undefined);
    takeReads(value);
  });
}

Deno.test("toText() refuses a cycle, and works again after that", () => {
  const cycle: unknown[] = [];
  cycle.push({ cycle });
  assertEquals(toText(cycle), undefined);
  assertEquals(toText([1]), "[1]");
});

Deno.test("toText() refuses all objects while Object.prototype has a toJSON()", () => {
  const prototype = Object.prototype as { toJSON?: unknown };
  prototype.toJSON = () => "changed";
  try {
    assertEquals(toText({ a: 1 }), undefined);
  } finally {
    delete prototype.toJSON;
  }
});

Deno.test("toText() reads each getter once, and takeReads() returns the read values", () => {
  let count = 0;
  const value = {
    get inner() {
      return { count: ++count, text: "x" };
    },
    at: new Date(0),
  };
  assertEquals(toText(value), undefined);
  const reads = takeReads(value)!;
  assertEquals(count, 1);
  assertEquals((reads.get(value) as typeof value).inner.count, 1);
  assertEquals(takeReads(value), undefined, "they are given once");
});

Deno.test("takeReads() returns undefined for another value, or after a successful toText()", () => {
  const value = { at: new Date(0) };
  toText(value);
  assertEquals(takeReads({ at: value.at }), undefined);
  toText(value);
  assertEquals(toText({ a: 1 }), '{"a":1}');
  toText(1n);
  assertEquals(takeReads(value), undefined);
});

Deno.test("keepText() keeps the read values of a text that did not fit", () => {
  const value = { a: [1] };
  keepText(value, toText(value)!);
  const copy = takeReads(value)!.get(value);
  assertEquals(copy, value);
  assert(copy !== value);
  keepText("text", '"text"');
  assertEquals(takeReads("text"), undefined);
});

Deno.test("toText() returns undefined inside a getter that it calls", () => {
  let inner: unknown = "none";
  const value = {
    get a() {
      inner = toText([1]);
      return 1;
    },
    b: 2,
  };
  // toText() records an object after reading it, so the getter is not in the first.
  assertEquals(toText([{}, value]), '[{},{"a":1,"b":2}]');
  assertStrictEquals(inner, undefined);
});

Deno.test("isDense() returns false for holes and properties", () => {
  const dense = (array: unknown[]) => isDense(Object.keys(array), array.length);
  assert(dense([]) && dense([1, 2]));
  // deno-lint-ignore no-sparse-arrays
  assert(!dense([1, , 3]) && !dense(Object.assign([1, , 3], { x: 1 })));
  assert(!dense(Object.assign([1], { x: 1 })));
});
