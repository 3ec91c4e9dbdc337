// Back pressure: whoever makes the chunks of a stream is held up by whoever takes them.
import { assert, assertEquals, assertLess } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { eventually } from "./live_workers.ts";
import { rows, type Setting } from "./moving_pools.ts";
import { Sink, Source, streamSuite, through } from "./streams.ts";
import type * as jobs from "./fixtures/streams.ts";

const CHUNK = 64 * 1024;
/** So many bytes may be on their way, beside a chunk at each end. */
const WINDOW = 1024 * 1024;
/** So many may be on their way to a job that has not started. */
const AHEAD = 16 * 1024;
/** Chunks that may be on their way: at least half of the window must be. */
const HELD: [number, number] = [WINDOW / 2 / CHUNK, WINDOW / CHUNK + 4];

/** Waits until a producer has made as much as it must, and finds that it makes no more than it may. */
async function assertHeldUp(
  pool: ThreadPool<typeof jobs>,
  made: () => number,
  [least, most]: [number, number],
): Promise<void> {
  await eventually(() => made() >= least, () => `Made ${made()} of ${least}`);
  // Whoever is not held up has the time to go far too far.
  for (let i = 0; i < 50; i++) await through(pool, i);
  assertLess(made(), most);
}

/** A job that is at a gate after the first of these chunks, and how it goes on. */
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

/** Chunks of which few bytes show, and how many may be on their way. */
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

streamSuite("Back pressure of streams", {
  ...rows(
    CHUNKS,
    (name) => `A job that does not read holds up the source of ${name}`,
    async (given, [make, least, most]) => {
      const count = most + 20;
      const { pool, result, made } = await heldUp(given, count, make);
      await assertHeldUp(pool, made, [least, most]);
      given.gate.open();
      assertEquals(await result, count);
    },
  ),

  "A reader that does not read holds up the source in a job": async (t) => {
    const pool = t.make({ size: 2 });
    const stream = await pool.execute("giveEndless", [CHUNK, t.gate.key]);
    await assertHeldUp(pool, () => t.gate.count, HELD);
    const reader = stream.getReader();
    for (let i = 0; i < 100; i++) await reader.read();
    await assertHeldUp(pool, () => t.gate.count - 100, HELD);
    await reader.cancel();
  },

  "A sink that is slow holds up a job that writes": async (t) => {
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

  "A sink in a job that is slow holds up a caller that writes": async (t) => {
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

  "A job in the queue holds up its source early": async ({ make, gate }) => {
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

  "A stream that is held up holds up none of its own job": async (t) => {
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
