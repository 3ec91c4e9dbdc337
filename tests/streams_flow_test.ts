// Back pressure: whoever makes the chunks of a stream is held up by whoever takes them.
import { assert, assertEquals, assertLess } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { Sink, Source, streamPool } from "./streams.ts";
import type * as jobs from "./fixtures/streams.ts";

const CHUNK = 64 * 1024;
/** So many bytes may be on their way, beside a chunk at each end. */
const WINDOW = 1024 * 1024;
const MOST = WINDOW + 4 * CHUNK;
/** So many may be on their way to a job that has not started. */
const AHEAD = 16 * 1024;

/** Gives whoever is not held up the time to go far too far. */
async function letOthersRun(pool: ThreadPool<typeof jobs>): Promise<void> {
  for (let i = 0; i < 50; i++) await pool.execute("echo", [i]);
}

/** Waits until a producer has come as far as it must, and finds it no further than it may. */
async function assertHeldUp(
  pool: ThreadPool<typeof jobs>,
  bytes: () => number,
  [least, most]: [number, number],
): Promise<void> {
  await eventually(() => bytes() >= least, () => `Made ${bytes()} of ${least}`);
  await letOthersRun(pool);
  assertLess(bytes(), most);
}

poolTest("a job that reads slowly holds up the source in main", async () => {
  await using pool = streamPool(2);
  using gate = new Gate();
  const source = new Source((i) => i < 200 ? new Uint8Array(CHUNK) : undefined);
  const { stream } = source;
  const result = pool.execute("countAroundGate", [stream, 10, gate.key]);
  await gate.arrived();
  const taken = 10 * CHUNK;
  await assertHeldUp(pool, () => source.pulled * CHUNK, [
    taken + WINDOW / 2,
    taken + MOST,
  ]);
  gate.open();
  assertEquals(await result, 200);
});

poolTest(
  "a reader in main that is slow holds up the source in a job",
  async () => {
    await using pool = streamPool(2);
    using gate = new Gate();
    const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
    await assertHeldUp(pool, () => gate.count * CHUNK, [WINDOW / 2, MOST]);
    const reader = stream.getReader();
    for (let i = 0; i < 100; i++) await reader.read();
    const taken = 100 * CHUNK;
    await assertHeldUp(pool, () => gate.count * CHUNK, [
      taken + WINDOW / 2,
      taken + MOST,
    ]);
    await reader.cancel();
  },
);

poolTest("a slow sink in main holds up a job that writes", async () => {
  await using pool = streamPool(2);
  using gate = new Gate();
  const { promise, resolve } = Promise.withResolvers<void>();
  const sink = new Sink<Uint8Array>(() => promise);
  const result = pool.execute("writeCounted", [
    sink.stream,
    200,
    CHUNK,
    gate.key,
  ]);
  await assertHeldUp(pool, () => gate.count * CHUNK, [WINDOW / 2, MOST]);
  assertEquals(sink.chunks.length, 0);
  resolve();
  await result;
  assertEquals(
    sink.chunks.map((chunk) => chunk[0]),
    Array.from({ length: 200 }, (_, i) => i),
  );
});

poolTest("a slow sink in a job holds up who writes in main", async () => {
  await using pool = streamPool(2);
  using gate = new Gate();
  const stream = await pool.execute("giveWritable", [gate.key]);
  const writer = stream.getWriter();
  let written = 0;
  const writing = (async () => {
    for (; written < 100; written++) {
      await writer.write(new Uint8Array(CHUNK));
    }
    await writer.close();
  })();
  await assertHeldUp(pool, () => written * CHUNK, [WINDOW / 2, MOST]);
  gate.open();
  await writing;
});

poolTest("small chunks, and empty ones, are held up, too", async () => {
  await using pool = streamPool(2);
  for (const make of [() => "", () => 1, () => new Uint8Array(), () => ({})]) {
    using gate = new Gate();
    const source = new Source((i) => i < 40_000 ? make() : undefined);
    const { stream } = source;
    const result = pool.execute("countAroundGate", [stream, 1, gate.key]);
    await gate.arrived();
    await assertHeldUp(pool, () => source.pulled, [200, 20_000]);
    gate.open();
    assertEquals(await result, 40_000);
  }
});

poolTest("objects are held up by what they hold", async () => {
  await using pool = streamPool(2);
  const text = "x".repeat(WINDOW / 4);
  for (
    const make of [
      () => ({ text }),
      () => [[text]],
      () => new Map([["a", text]]),
      () => ({ bytes: new Uint8Array(WINDOW / 4) }),
    ]
  ) {
    using gate = new Gate();
    const source = new Source((i) => i < 100 ? make() : undefined);
    const { stream } = source;
    const result = pool.execute("countAroundGate", [stream, 1, gate.key]);
    await gate.arrived();
    await assertHeldUp(pool, () => source.pulled, [3, 8]);
    gate.open();
    assertEquals(await result, 100);
  }
});

poolTest("chunks larger than the window pass, one at a time", async () => {
  await using pool = streamPool(2);
  using gate = new Gate();
  const size = 3 * WINDOW;
  const source = new Source((i) => i < 6 ? new Uint8Array(size) : undefined);
  const { stream } = source;
  const result = pool.execute("countAroundGate", [stream, 1, gate.key]);
  await gate.arrived();
  await letOthersRun(pool);
  assertLess(source.pulled, 5);
  gate.open();
  assertEquals(await result, 6);
});

poolTest(
  "a job that waits in the queue holds up its source early",
  async () => {
    await using pool = streamPool(2);
    using gate = new Gate();
    const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(2);
    const source = new Source((i) =>
      i < 100 ? new Uint8Array(1_024).fill(i) : undefined
    );
    const result = pool.execute("bytesIn", [source.stream]);
    await eventually(() => source.pulled > 0, () => "The source is not read");
    for (let i = 0; i < 50; i++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertLess(source.pulled * 1_024, AHEAD + 2_048);
    gate.open();
    const bytes = await result;
    assertEquals(bytes.length, 100 * 1_024);
    assert(bytes.every((byte, i) => byte === i >> 10));
    await Promise.all(held);
  },
);

poolTest("a stream that is held up holds up no other", async () => {
  await using pool = streamPool(2);
  using gate = new Gate();
  const slow = new Source((i) => i < 100 ? new Uint8Array(CHUNK) : undefined);
  const held = pool.execute("countAroundGate", [slow.stream, 1, gate.key]);
  await gate.arrived();
  // As many to the other worker, and as many from each.
  const fast = new Source((i) => i < 100 ? new Uint8Array(CHUNK) : undefined);
  const bytes = await pool.execute("bytesIn", [fast.stream]);
  assertEquals(bytes.length, 100 * CHUNK);
  gate.open();
  assertEquals(await held, 100);
});

poolTest("one of two streams of a job is held up alone", async () => {
  await using pool = streamPool(1);
  const slow = new Source((i) => i < 100 ? new Uint8Array(CHUNK) : undefined);
  const fast = new Source((i) => i < 100 ? new Uint8Array(CHUNK) : undefined);
  const counts = await pool.execute(
    async (slow: ReadableStream, fast: ReadableStream) => {
      const reader = slow.getReader();
      let count = 1;
      await reader.read();
      for await (const _ of fast) count++;
      const before = count;
      while (!(await reader.read()).done) count++;
      return [before, count];
    },
    [slow.stream, fast.stream],
  );
  assertEquals(counts, [101, 200]);
});
