// Backpressure: a slow reader of a stream slows down its writer.
import { assert, assertEquals, assertLess } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { eventually } from "./live_workers.ts";
import { rows, type Setting } from "./moving_pools.ts";
import { Sink, Source, streamSuite, through } from "./streams.ts";
import type * as jobs from "./fixtures/streams.ts";

const CHUNK = 64 * 1024;
/** Maximum number of bytes in flight, in addition to a chunk at each end. */
const WINDOW = 1024 * 1024;
/** Maximum number of bytes in flight to a job that has not started. */
const AHEAD = 16 * 1024;
/** Minimum and maximum number of chunks in flight: at least half of the window. */
const HELD: [number, number] = [WINDOW / 2 / CHUNK, WINDOW / CHUNK + 4];

/** Waits until a producer has made the minimum, and checks that it stays below the maximum. */
async function assertHeldUp(
  pool: ThreadPool<typeof jobs>,
  made: () => number,
  [least, most]: [number, number],
): Promise<void> {
  await eventually(() => made() >= least, () => `Made ${made()} of ${least}`);
  // Without backpressure, this is enough time to exceed the maximum by far.
  for (let i = 0; i < 50; i++) await through(pool, i);
  assertLess(made(), most);
}

/** Starts a job that waits at a gate after the first of these chunks. */
async function heldUp(
  { make, gate }: Setting<typeof jobs>,
  count: number,
  chunk: () => unknown,
) {
  const pool = make({ size: 2 });
  const source = new Source((i) => i < count ? chunk() : undefined);
  const result = pool.execute("countAroundGate", [source.stream, 1, gate.key]);
  await gate.arrived();
  return { pool, source, result, made: () => source.pulled - 1 };
}

const bytes = () => new Uint8Array(CHUNK);
const text = "x".repeat(WINDOW / 4);

/** Chunks whose size is hard to see, with the minimum and maximum in flight. */
const CHUNKS: Record<string, [make: () => unknown, number, number]> = {
  "bytes": [bytes, ...HELD],
  "empty strings": [() => "", 200, 20_000],
  "numbers": [() => 1, 200, 20_000],
  "empty arrays": [() => new Uint8Array(), 200, 20_000],
  "empty objects": [() => ({}), 200, 20_000],
  "objects of text": [() => ({ text }), 3, 8],
  "arrays of text": [() => [[text]], 3, 8],
  "Maps of text": [() => new Map([["a", text]]), 3, 8],
  "objects of bytes": [() => ({ bytes: new Uint8Array(WINDOW / 4) }), 3, 8],
  "chunks larger than the window": [() => new Uint8Array(3 * WINDOW), 1, 4],
};

streamSuite("Backpressure of streams", {
  ...rows(
    CHUNKS,
    (name) => `A job that does not read pauses the source of ${name}`,
    async (given, [make, least, most]) => {
      const count = most + 20;
      const { pool, result, made } = await heldUp(given, count, make);
      await assertHeldUp(pool, made, [least, most]);
      given.gate.open();
      assertEquals(await result, count);
    },
  ),

  "A caller that does not read pauses the source in a job": async (t) => {
    const pool = t.make({ size: 2 });
    const stream = await pool.execute("giveEndless", [CHUNK, t.gate.key]);
    await assertHeldUp(pool, () => t.gate.count, HELD);
    const reader = stream.getReader();
    for (let i = 0; i < 100; i++) await reader.read();
    await assertHeldUp(pool, () => t.gate.count - 100, HELD);
    await reader.cancel();
  },

  "A slow sink pauses a job that writes": async (t) => {
    const pool = t.make({ size: 2 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new Sink<Uint8Array>(() => promise);
    const args = [sink.stream, 100, CHUNK, t.gate.key] as const;
    const result = pool.execute("writeCounted", [...args]);
    await assertHeldUp(pool, () => t.gate.count, HELD);
    assertEquals(sink.chunks.length, 0);
    resolve();
    await result;
    const numbers = sink.chunks.map(([first]) => first);
    assertEquals(numbers, Array.from({ length: 100 }, (_, i) => i));
  },

  "A slow sink in a job pauses a caller that writes": async (t) => {
    const pool = t.make({ size: 2 });
    const stream = await pool.execute("giveWritable", [t.gate.key]);
    const writer = stream.getWriter();
    let written = 0;
    const writing = (async () => {
      for (; written < 100; written++) await writer.write(bytes());
      await writer.close();
    })();
    await assertHeldUp(pool, () => written, HELD);
    t.gate.open();
    await writing;
  },

  "A job in the queue pauses its source early": async ({ make, gate }) => {
    const pool = make({ size: 2 });
    const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(2);
    const source = new Source((i) =>
      i < 100 ? new Uint8Array(1_024).fill(i) : undefined
    );
    const result = pool.execute("chunksOfAll", [source.stream]);
    await eventually(() => source.pulled > 0, () => "The source is not read");
    for (let i = 0; i < 50; i++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertLess(source.pulled * 1_024, AHEAD + 2_048);
    gate.open();
    const [chunks] = await result;
    assertEquals(chunks.length, 100);
    assert(chunks.every((chunk, i) => chunk[0] === i && chunk[1_023] === i));
    await Promise.all(held);
  },

  "A paused stream does not pause other streams of its job": async (t) => {
    const sources = [1, 2].map(() =>
      new Source((i) => i < 100 ? bytes() : undefined)
    );
    const counts = await t.pool.execute(
      async (slow: ReadableStream, fast: ReadableStream) => {
        const reader = slow.getReader();
        let count = 1;
        await reader.read();
        for await (const _ of fast) count++;
        const before = count;
        while (!(await reader.read()).done) count++;
        return [before, count];
      },
      [sources[0].stream, sources[1].stream],
    );
    assertEquals(counts, [101, 200]);
  },
});
