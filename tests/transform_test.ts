// transform() is map() as a pair of streams.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { PoolClosedError, PoolTerminatedError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { KIND_NAMES, makePool, numbersTo, reasonOf, turns } from "./kinds.ts";
import { test } from "./pools.ts";

for (const kind of KIND_NAMES) {
  test(`transform() returns results in the order of its input (${kind})`, async () => {
    await using pool = makePool({ size: 2 }, kind);
    const results = ReadableStream.from(numbersTo(3_000))
      .pipeThrough(pool.transform((n: number) => 2 * n))
      .pipeThrough(pool.transform("echo"));
    assertEquals(
      await Array.fromAsync(results),
      numbersTo(3_000).map((n) => 2 * n),
    );
  });
}

test("transform() ends the readable side after the last result", async () => {
  await using pool = makePool();
  const { readable, writable } = pool.transform("echo");
  const piped = ReadableStream.from([]).pipeTo(writable);
  assertEquals(await Array.fromAsync(readable), []);
  await piped;
});

test("transform() runs nothing before its output is read, and pauses the writer", async () => {
  await using pool = makePool();
  const { readable, writable } = pool.transform("echo", { window: 4 });
  let written = 0;
  const source = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(written++),
  }, { highWaterMark: 0 });
  const piped = reasonOf(source.pipeTo(writable));
  await turns();
  assertEquals(pool.stats().completed + pool.stats().running, 0);
  const reader = readable.getReader();
  for (const i of numbersTo(20)) {
    assertEquals((await reader.read()).value, i);
    await turns();
    // The window, plus what the streams hold.
    assertLessOrEqual(written, i + 1 + 4 + 2);
  }
  await reader.cancel("enough");
  assertEquals(await piped, "enough");
});

test("transform() fails on both sides if a job fails, after the results before it", async () => {
  await using pool = makePool();
  const job = (n: number) => {
    if (n === 100) throw new RangeError("failed");
    return n;
  };
  const { readable, writable } = pool.transform(job);
  const piped = ReadableStream.from(numbersTo(1_000)).pipeTo(writable);
  const writeError = reasonOf(piped);
  const results: number[] = [];
  await assertRejects(async () => {
    for await (const n of readable) results.push(n);
  }, RangeError);
  assertEquals(results, numbersTo(100));
  assertInstanceOf(await writeError, RangeError);
});

test('transform() continues after errors with onError: "collect"', async () => {
  await using pool = makePool();
  const results = ReadableStream.from(["1", "?", "3"]).pipeThrough(
    pool.transform((text: string) => JSON.parse(text), { onError: "collect" }),
  );
  const all = await Array.fromAsync(results);
  assertEquals(all.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("transform() passes on an abort of the writable side at once, and aborts running jobs", async () => {
  await using pool = makePool();
  const { readable, writable } = pool.transform(() => new Promise(() => {}));
  const writer = writable.getWriter();
  const first = readable.getReader().read();
  await writer.write(1);
  while (pool.stats().running === 0) await turns();
  await writer.abort("enough");
  assertEquals(await reasonOf(first), "enough");
  await pool.drain();
});

test("transform() passes on a cancel of the readable side, and aborts running jobs", async () => {
  await using pool = makePool();
  const { readable, writable } = pool.transform(() => new Promise(() => {}));
  const writer = writable.getWriter();
  const closed = reasonOf(writer.closed);
  const reader = readable.getReader();
  const first = reader.read();
  await writer.write(1);
  while (pool.stats().running === 0) await turns();
  await reader.cancel("enough");
  assertEquals((await first).done, true);
  assertEquals(await closed, "enough");
  await pool.drain();
});

test("transform() fails on both sides when its signal aborts", async () => {
  await using pool = makePool();
  const { signal, abort } = (() => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort("out") };
  })();
  using gate = new Gate();
  const { readable, writable } = pool.transform("passGate", { signal });
  const writer = writable.getWriter();
  const closed = reasonOf(writer.closed);
  const first = readable.getReader().read();
  await writer.write(gate.key);
  await gate.arrived();
  abort();
  assertEquals(await reasonOf(first), "out");
  assertEquals(await closed, "out");
});

test("transform() fails on both sides if its signal aborts before its output is read", async () => {
  await using pool = makePool();
  const before = pool.transform("echo", { signal: AbortSignal.abort("out") });
  const controller = new AbortController();
  const { signal } = controller;
  const later = pool.transform("echo", { signal });
  controller.abort("out");
  for (const { readable, writable } of [before, later]) {
    assertEquals(await reasonOf(writable.getWriter().closed), "out");
    assertEquals(await reasonOf(readable.getReader().closed), "out");
  }
});

test("transform() fails when the pool ends", async () => {
  for (const end of ["close", "terminate"] as const) {
    await using pool = makePool();
    const { readable, writable } = pool.transform("echo");
    const closed = reasonOf(writable.getWriter().closed);
    const first = readable.getReader().read();
    await turns();
    pool[end]();
    const Class = end === "close" ? PoolClosedError : PoolTerminatedError;
    assertInstanceOf(await reasonOf(first), Class);
    assertInstanceOf(await closed, Class);
  }
});

test("transform() refuses invalid jobs and options", async () => {
  await using pool = makePool();
  const untyped = pool.transform as (...args: unknown[]) => unknown;
  const call = (...args: unknown[]) => Reflect.apply(untyped, pool, args);
  assertThrows(() => call(42), TypeError, "`job`");
  assertThrows(() => call("echo", { window: 0 }), RangeError, "`window`");
  assert(call("echo") instanceof Object);
});
