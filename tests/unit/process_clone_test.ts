// Tests encodeClone() and decodeClone(): values to bytes and back, and refused values.
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeClone, encodeClone } from "../../src/process/clone.ts";
import { whyCannotCross } from "../../src/values/process_bound.ts";
import { LARGE } from "../../src/process/frames.ts";
import { JobCloneError } from "@spindle/thread-pool";

async function roundTrip(value: unknown, moves?: Transferable[]) {
  const { clone, buffers, blob, length } = encodeClone(value, moves);
  const all = buffers.map((bytes) => new Uint8Array(bytes));
  if (blob) all.push(await blob.bytes());
  const sizes = [clone, ...all].map((bytes) => bytes.length);
  assertEquals(length, sizes.reduce((sum, size) => sum + size));
  return decodeClone(clone, all);
}

Deno.test("decodeClone() returns the same value as structuredClone()", async () => {
  const values = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
  });
  await fc.assert(
    fc.asyncProperty(values, async (value) => {
      assertEquals(await roundTrip(value), structuredClone(value));
    }),
    { numRuns: 300 },
  );
});

/** Blobs, exceptions and buffers at any depth. */
const { tree } = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string().map((text) => new Blob([text], { type: "text/x" })),
    fc.string().map((text) => new File([text], "f", { lastModified: 5 })),
    fc.string().map((text) => new DOMException(text, "AbortError")),
    fc.nat(2).map((i) => new Uint8Array([5, LARGE - 1, LARGE][i]).fill(i + 1)),
    fc.string(),
  ),
  tree: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.record({ a: tie("tree"), b: tie("tree") }, { noNullPrototype: true }),
    tie("tree").map((value) => new Set([value])),
    fc.tuple(tie("tree"), tie("tree")).map((entry) => new Map([entry])),
    tie("tree").map((cause) => new Error("e", { cause })),
  ),
}));

/** Replaces blobs and exceptions in a value by their content. */
async function plain(value: unknown): Promise<unknown> {
  if (value instanceof File) {
    return ["File", value.name, value.lastModified, await value.text()];
  }
  if (value instanceof Blob) return ["Blob", value.type, await value.text()];
  if (value instanceof DOMException) {
    return ["DOMException", value.name, value.message, value.stack];
  }
  if (value instanceof Error) return ["Error", await plain(value.cause)];
  if (value instanceof Set || Array.isArray(value)) {
    return await Promise.all([...value].map(plain));
  }
  if (value instanceof Map) return ["Map", await plain([...value])];
  if (typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return await plain(Object.entries(value!));
}

Deno.test("decodeClone() restores blobs, files, exceptions and buffers at any depth", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (value) => {
      const before = await plain(value);
      assertEquals(await plain(await roundTrip(value)), before);
      // The original value is unchanged.
      assertEquals(await plain(value), before);
    }),
    { numRuns: 300 },
  );
});

Deno.test("decodeClone() keeps the identity of blobs and buffers", async () => {
  const blob = new Blob(["x"]);
  const large = new Uint8Array(LARGE);
  const view = large.subarray(3, 5);
  type Value = { blobs: Blob[]; large: Uint8Array; view: Uint8Array };
  const value: Value = { blobs: [blob, blob], large, view };
  const { blobs, ...back } = await roundTrip(value) as Value;
  assert(blobs[0] === blobs[1] && back.view.buffer === back.large.buffer);
});

Deno.test("encodeClone() detaches buffers that move, but not if it refuses the value", async () => {
  const buffers = [new ArrayBuffer(10), new ArrayBuffer(100_000)];
  const memory = new SharedArrayBuffer(1);
  assertThrows(() => encodeClone([buffers, () => {}], buffers));
  assertThrows(() => encodeClone([buffers, memory], buffers), JobCloneError);
  assertEquals(buffers.map(({ detached }) => detached), [false, false]);
  const clone = await roundTrip(buffers, buffers) as ArrayBuffer[];
  assertEquals(clone.map(({ byteLength }) => byteLength), [10, 100_000]);
  assertEquals(buffers.map(({ detached }) => detached), [true, true]);
});

Deno.test("encodeClone() refuses values that cannot be sent to a process", () => {
  const { port1, port2 } = new MessageChannel();
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0];
  const values = [
    new SharedArrayBuffer(1),
    new Uint8Array(new SharedArrayBuffer(1)).buffer,
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
    new WebAssembly.Module(new Uint8Array(bytes)),
    port1,
  ];
  for (const value of values) {
    assertThrows(() => encodeClone({ a: [value] }), JobCloneError);
    assert(whyCannotCross(value) !== undefined);
  }
  port1.close();
  port2.close();
});

Deno.test("decodeClone() throws an Error, or returns a value, for any invalid bytes", () => {
  const { clone } = encodeClone(new Map([[1, "x"]]));
  fc.assert(
    fc.property(fc.nat(clone.length), fc.nat(255), (length, byte) => {
      const bad = clone.slice(0, length);
      if (length > 0) bad[length - 1] = byte;
      try {
        decodeClone(bad);
      } catch (error) {
        assert(error instanceof Error);
      }
    }),
    { numRuns: 1_000 },
  );
  assertThrows(() => decodeClone(new Uint8Array()));
  // Nested too deeply for the stack.
  const deep = new Uint8Array(2_000_000);
  deep.set([0, 0xff, 0x0f]);
  for (let at = 3; at < deep.length - 1; at += 2) deep.set([0x41, 1], at);
  assertThrows(() => decodeClone(deep));
});

Deno.test("decodeClone() refuses buffers and blobs that do not fit the value", async () => {
  const buffer = new Uint8Array(LARGE);
  const { clone, buffers, blob } = encodeClone([buffer, new Blob(["abc"])]);
  assertEquals(buffers.length, 1);
  const bytes = await blob!.bytes();
  decodeClone(clone, [buffer, bytes]);
  const short = bytes.slice(1);
  const long = new Uint8Array(4);
  for (
    const wrong of [
      [],
      [buffer],
      [buffer, short],
      [buffer, long],
      [buffer, bytes, bytes],
    ]
  ) assertThrows(() => decodeClone(clone, wrong), RangeError);
  const plain = encodeClone([buffer]).clone;
  assertThrows(() => decodeClone(plain, [buffer, bytes]), RangeError);
});

Deno.test("decodeClone() refuses a clone that is too long, not counting large buffers", () => {
  const { clone, buffers } = encodeClone(new Uint8Array(100_000));
  decodeClone(clone, buffers as Uint8Array<ArrayBuffer>[], 1_000);
  const maps = encodeClone(Array.from({ length: 1_000 }, () => new Map()));
  assertThrows(
    () => decodeClone(maps.clone, [], 1_000),
    RangeError,
    "may take 1000",
  );
});
