// Open streams through what happens to their job, their worker and their pool.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { PoolTerminatedError, WorkerCrashedError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { bytesIn, chunksOf, Sink, Source, streamPool } from "./streams.ts";

const CHUNK = 64 * 1024;

/** Tells whether a promise has settled by now. */
function watch(promise: Promise<unknown>): { isSettled: boolean } {
  const state = { isSettled: false };
  const settle = () => void (state.isSettled = true);
  promise.then(settle, settle);
  return state;
}

poolTest(
  "a worker is free for other jobs while its result streams",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
    const reader = stream.getReader();
    for (let i = 0; i < 50; i++) {
      assertEquals(await pool.execute("echo", [i]), i);
      assertEquals((await reader.read()).value![0], i);
    }
    assertEquals([pool.stats().size, pool.stats().running], [1, 0]);
    await reader.cancel();
  },
);

poolTest("drain() waits for the end of a result's stream", async () => {
  await using pool = streamPool();
  const stream = await pool.execute("giveBytes", [40 * CHUNK, CHUNK]);
  const drained = pool.drain();
  const state = watch(drained);
  await pool.execute("echo", [1]);
  assertFalse(state.isSettled);
  assertEquals((await bytesIn(stream)).length, 40 * CHUNK);
  await drained;
});

poolTest("drain() waits for the cancel of a result's stream", async () => {
  await using pool = streamPool();
  using gate = new Gate();
  const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
  const drained = pool.drain();
  const state = watch(drained);
  await pool.execute("echo", [1]);
  assertFalse(state.isSettled);
  await stream.cancel();
  await drained;
});

poolTest(
  "drain() waits for a stream of a result that is to be written",
  async () => {
    await using pool = streamPool();
    const stream = await pool.execute("giveWritable");
    const drained = pool.drain();
    const state = watch(drained);
    await pool.execute("echo", [1]);
    assertFalse(state.isSettled);
    await stream.close();
    await drained;
  },
);

poolTest(
  "close() waits for the streams of results, which go on meanwhile",
  async () => {
    const pool = streamPool();
    const stream = await pool.execute("giveBytes", [40 * CHUNK, CHUNK]);
    const closed = pool.close();
    const state = watch(closed);
    const reader = stream.getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    assertFalse(state.isSettled);
    reader.releaseLock();
    assertEquals((await bytesIn(stream)).length, 35 * CHUNK);
    await closed;
  },
);

poolTest(
  "close() ends when a result that nobody reads is cancelled",
  async () => {
    const pool = streamPool();
    using gate = new Gate();
    const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
    const closed = pool.close();
    await stream.cancel("not wanted");
    await closed;
  },
);

poolTest("close() waits for jobs that still read and write", async () => {
  const pool = streamPool();
  using gate = new Gate();
  const source = new Source((i) => i < 40 ? new Uint8Array(CHUNK) : undefined);
  const sink = new Sink();
  const results = Promise.all([
    pool.execute("countAroundGate", [source.stream, 1, gate.key]),
    pool.execute("write", [sink.stream, "a", "b"]),
  ]);
  await gate.arrived();
  const closed = pool.close();
  gate.open();
  assertEquals(await results, [40, undefined]);
  await closed;
  assertEquals([sink.chunks, sink.isClosed], [["a", "b"], true]);
});

poolTest("terminate() errors the streams of results", async () => {
  const pool = streamPool();
  using gate = new Gate();
  const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
  const writable = await pool.execute("giveWritable");
  const reader = stream.getReader();
  await reader.read();
  const closed = watch(pool.close());
  await pool.terminate("enough");
  const error = await assertRejects(async () => {
    while (!(await reader.read()).done);
  }, PoolTerminatedError);
  assertEquals(error.cause, "enough");
  await assertRejects(() => writable.getWriter().closed, PoolTerminatedError);
  assert(closed.isSettled);
});

poolTest(
  "terminate() ends the streams of jobs, wherever they are",
  async () => {
    const pool = streamPool();
    using gate = new Gate();
    const running = [new Source((i) => i), new Sink()] as const;
    const queued = [new Source((i) => i), new Sink()] as const;
    const results = [running, queued].map(([source, sink]) =>
      pool.execute("dieAtGate", [gate.key, source.stream, sink.stream])
    );
    const settled = Promise.allSettled(results);
    await gate.arrived();
    await pool.terminate();
    for (const [source, sink] of [running, queued]) {
      assertInstanceOf(await source.cancelled, PoolTerminatedError);
      assertInstanceOf(await sink.aborted, PoolTerminatedError);
      assertFalse(sink.isClosed);
    }
    for (const result of await settled) {
      assertInstanceOf(
        (result as PromiseRejectedResult).reason,
        PoolTerminatedError,
      );
    }
  },
);

poolTest("a worker that dies ends the streams of its job", async () => {
  await using pool = streamPool();
  using gate = new Gate();
  const source = new Source((i) => i);
  const sink = new Sink();
  const result = pool.execute("dieAtGate", [
    gate.key,
    source.stream,
    sink.stream,
  ]);
  gate.open();
  const error = await assertRejects(() => result, WorkerCrashedError);
  assert(error.started);
  assertInstanceOf(await source.cancelled, WorkerCrashedError);
  assertInstanceOf(await sink.aborted, WorkerCrashedError);
  assertEquals([sink.chunks, sink.isClosed], [["before"], false]);
});

poolTest(
  "a worker that dies errors the streams of its results, after what has come",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const other = (await pool.execute("giveEndless", [CHUNK, gate.key]))
      .getReader();
    const writable = await pool.execute("giveWritable");
    const stream = await pool.execute("giveUntilDeath", [gate.key]);
    const reader = stream.getReader();
    assertEquals((await reader.read()).value, "before");
    gate.open();
    await assertRejects(() => reader.read(), WorkerCrashedError);
    await assertRejects(() => writable.getWriter().closed, WorkerCrashedError);
    await assertRejects(async () => {
      while (!(await other.read()).done);
    }, WorkerCrashedError);
    assertEquals(await pool.execute("echo", [1]), 1);
    await pool.drain();
  },
);

poolTest(
  "a job that had not started when its worker died has all of its stream",
  async () => {
    await using pool = streamPool();
    // Short jobs are sent ahead of their turn.
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => pool.execute("echo", [i])),
    );
    using gate = new Gate();
    const dying = assertRejects(
      () => pool.execute("dieAtGate", [gate.key]),
      WorkerCrashedError,
    );
    const results = Array.from({ length: 8 }, (_, job) => {
      const sizes = [10, 0, 9_000, 100, 40_000, 700_000, 1];
      const source = new Source((i) =>
        i < sizes.length
          ? new Uint8Array(sizes[i]).fill(job * 10 + i)
          : undefined
      );
      const sink = new Sink();
      const writes = pool.execute("write", [sink.stream, job]);
      const reads = pool.execute("chunksOf", [source.stream]);
      return [reads, writes, sink] as const;
    });
    await gate.arrived();
    // What is there of the streams goes out while the worker lives.
    await new Promise((resolve) => setTimeout(resolve, 10));
    gate.open();
    await dying;
    for (const [job, [reads, writes, sink]] of results.entries()) {
      const chunks = await reads as Uint8Array[];
      assertEquals(chunks.map(({ length }) => length), [
        10,
        0,
        9_000,
        100,
        40_000,
        700_000,
        1,
      ]);
      assert(
        chunks.every((chunk, i) =>
          chunk.every((byte) => byte === job * 10 + i)
        ),
      );
      await writes;
      assertEquals([sink.chunks, sink.isClosed], [[job], true]);
    }
    assertEquals(pool.stats().crashed, 1);
  },
);

poolTest(
  "the streams of a job that is aborted in the queue end for that reason",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const source = new Source((i) => i);
    const sink = new Sink();
    const result = pool.execute(
      "copy",
      [source.stream, sink.stream],
      controller,
    );
    const reason = new RangeError("stop");
    controller.abort(reason);
    assertEquals(await result.catch((error) => error), reason);
    assertEquals(await source.cancelled, reason);
    assertEquals(await sink.aborted, reason);
    gate.open();
    await held;
  },
);

poolTest(
  "the streams of a job that is aborted as it runs end with its handler",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const controller = new AbortController();
    const source = new Source((i) => i < 100 ? i : undefined);
    const result = pool.execute(
      "countAroundGate",
      [source.stream, 1, gate.key],
      controller,
    );
    await gate.arrived();
    controller.abort(new RangeError("stop"));
    await assertRejects(() => result, RangeError, "stop");
    gate.open();
    // The handler goes on, and reads all.
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(source.pulled, 101);
  },
);

poolTest(
  "a stream is cancelled that a job gives whose caller has aborted it",
  async () => {
    // The job goes on for as long as it takes to open the gate.
    await using pool = streamPool(1, { abortGrace: 10_000 });
    using gate = new Gate();
    const controller = new AbortController();
    const result = pool.execute("giveAfterGate", [gate.key], controller);
    await gate.arrived();
    controller.abort(new RangeError("stop"));
    await assertRejects(() => result, RangeError, "stop");
    gate.open();
    assertEquals(
      await pool.execute("lastCancelled"),
      "Error Error: The job has ended",
    );
    await pool.drain();
  },
);

poolTest(
  "an abort after a promise has settled leaves its stream alone",
  async () => {
    await using pool = streamPool();
    const controller = new AbortController();
    const stream = await pool.execute("give", [[1, 2, 3]], controller);
    controller.abort();
    assertEquals(await chunksOf(stream), [1, 2, 3]);
  },
);
