// A view goes with its own bytes, and not with the memory behind it.
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as echoes from "./fixtures/echo.ts";
import { poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/echo.ts", import.meta.url);

function echoPool(): ThreadPool<typeof echoes> {
  return new ThreadPool<typeof echoes>({ module, size: 1 });
}

function text(buffer: ArrayBufferLike): string {
  return new TextDecoder().decode(new Uint8Array(buffer));
}

poolTest("a small Buffer arrives without the pool it is of", async () => {
  await using pool = new ThreadPool(1);
  const secret = Buffer.from("secret");
  const harmless = Buffer.from("harmless");
  assertStrictEquals(secret.buffer, harmless.buffer);
  for (const value of [harmless, [harmless], { a: { harmless } }]) {
    const seen = await pool.execute((value: object) => {
      const find = (part: object): Uint8Array => {
        return part instanceof Uint8Array ? part : find(Object.values(part)[0]);
      };
      return new TextDecoder().decode(find(value).buffer as ArrayBuffer);
    }, [value]);
    assertEquals(seen, "harmless");
  }
});

poolTest("a small Buffer comes back without its pool", async () => {
  await using pool = new ThreadPool(1);
  const bytes = await pool.execute(async () => {
    const { Buffer } = await import("node:buffer");
    Buffer.from("secret");
    return Buffer.from("harmless");
  });
  assertEquals(text(bytes.buffer), "harmless");
});

poolTest("Buffers in a Map and in a Set keep their order", async () => {
  await using pool = echoPool();
  const [a, b, c] = ["a", "b", "c"].map((text) => Buffer.from(text));
  const [map, set] = await pool.execute("echo", [[
    new Map<unknown, unknown>([[1, a], [b, 2], [3, 3]]),
    new Set<unknown>([0, c, "z"]),
  ]]) as [Map<unknown, unknown>, Set<unknown>];
  const own = (text: string) => new Uint8Array(new TextEncoder().encode(text));
  assertEquals([...map], [[1, own("a")], [own("b"), 2], [3, 3]]);
  assertEquals([...set], [0, own("c"), "z"]);
  assertEquals((map.get(1) as Uint8Array).buffer.byteLength, 1);
});

poolTest("views that overlap share memory, others do not", async () => {
  await using pool = echoPool();
  const buffer = new ArrayBuffer(64);
  new Uint8Array(buffer).forEach((_, i, bytes) => bytes[i] = i);
  const views = [
    new Uint8Array(buffer, 3, 10),
    new Float64Array(buffer, 8, 1),
    new DataView(buffer, 12, 2),
    new Uint16Array(buffer, 40, 2),
    new Uint8Array(buffer, 50, 0),
  ];
  const [bytes, double, data, words, none] = await pool.execute("echo", [
    views,
  ]) as typeof views as [
    Uint8Array,
    Float64Array,
    DataView,
    Uint16Array,
    Uint8Array,
  ];
  assertEquals([...bytes], [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assertStrictEquals(bytes.buffer, double.buffer);
  assertStrictEquals(bytes.buffer, data.buffer);
  assertEquals(double, views[1] as Float64Array);
  assertEquals([data.getUint8(0), data.byteLength], [12, 2]);
  bytes[5] = 77;
  assertEquals(new Uint8Array(double.buffer, double.byteOffset, 1)[0], 77);
  // Of what is before them nothing has come but zeros.
  assertEquals([...new Uint8Array(bytes.buffer, 0, bytes.byteOffset)], [
    0,
    0,
    0,
  ]);
  assertEquals(words, views[3] as Uint16Array);
  assertEquals(words.buffer.byteLength, 4);
  assertEquals([none.byteLength, none.buffer.byteLength], [0, 0]);
});

poolTest("one view at two places is one view there", async () => {
  await using pool = new ThreadPool(1);
  const view = new Uint8Array(8).subarray(2, 4);
  assertEquals(
    await pool.execute((a: unknown, b: unknown[]) => a === b[0], [view, [
      view,
    ]]),
    true,
  );
});

poolTest("a view beside its buffer, or that moves, keeps it", async () => {
  await using pool = echoPool();
  const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const [same, buffer] = await pool.execute("echo", [[view, view.buffer]]) as [
    Uint8Array,
    ArrayBuffer,
  ];
  assertStrictEquals(same.buffer, buffer);
  assertEquals([...new Uint8Array(buffer)], [1, 2, 3, 4]);
  const moved = await pool.execute("echo", [transfer(view)]) as Uint8Array;
  assert(view.buffer.detached);
  assertEquals([...moved], [2, 3]);
});

poolTest("a view's own buffer is as it was for the caller", async () => {
  await using pool = echoPool();
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const view = bytes.subarray(1, 3);
  const args = [{ view }];
  await pool.execute("echo", args as never);
  assertStrictEquals(args[0].view, view);
  assertEquals([view.byteOffset, view.buffer.byteLength], [1, 4]);
});
