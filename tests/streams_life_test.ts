// Open streams when their job, their worker or their pool ends.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { PoolTerminatedError, WorkerCrashedError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { rows } from "./moving_pools.ts";
import {
  bytesIn,
  chunksOf,
  Sink,
  Source,
  streamSuite,
  through,
} from "./streams.ts";

const CHUNK = 64 * 1024;

/** Returns a stream of `count` chunks. */
function chunks(count: number): ReadableStream<Uint8Array> {
  return new Source((i) => i < count ? new Uint8Array(CHUNK) : undefined)
    .stream;
}

/** Records whether a promise has settled. */
function watch(promise: Promise<unknown>): { isSettled: boolean } {
  const state = { isSettled: false };
  const settle = () => void (state.isSettled = true);
  promise.then(settle, settle);
  return state;
}

/** Ways to end the stream of a result. */
const ENDS = {
  "read": async (stream: ReadableStream) => void await bytesIn(stream),
  "canceled": (stream: ReadableStream) => stream.cancel("not wanted"),
};

streamSuite("Streams and the life of a pool", {
  "execute() leaves a worker free while its result streams": async (t) => {
    const stream = await t.pool.execute("giveEndless", [CHUNK, t.gate.key]);
    const reader = stream.getReader();
    for (let i = 0; i < 50; i++) {
      assertEquals(await through(t.pool, i), i);
      assertEquals((await reader.read()).value![0], i);
    }
    assertEquals([t.pool.stats().size, t.pool.stats().running], [1, 0]);
    await reader.cancel();
  },

  ...rows(
    ENDS,
    (how) => `drain() and close() wait until the stream of a result is ${how}`,
    async ({ make }, end) => {
      for (const wait of ["drain", "close"] as const) {
        const pool = make();
        const stream = await through(pool, chunks(40));
        const waits = pool[wait]();
        const state = watch(waits);
        const reader = stream.getReader();
        for (let i = 0; i < 5; i++) await reader.read();
        assertFalse(state.isSettled);
        reader.releaseLock();
        await end(stream);
        await waits;
      }
    },
  ),

  "drain() waits for a WritableStream in a result": async ({ pool }) => {
    const stream = await through(pool, new Sink().stream);
    const drained = pool.drain();
    const state = watch(drained);
    await through(pool, 1);
    assertFalse(state.isSettled);
    await stream.close();
    await drained;
  },

  "close() waits for jobs that read and write streams": async (t) => {
    const pool = t.make();
    const sink = new Sink();
    const results = Promise.all([
      pool.execute("countAroundGate", [chunks(40), 1, t.gate.key]),
      pool.execute("write", [sink.stream, "a", "b"]),
    ]);
    await t.gate.arrived();
    const closed = pool.close();
    t.gate.open();
    assertEquals(await results, [40, undefined]);
    await closed;
    assertEquals([sink.chunks, sink.isClosed], [["a", "b"], true]);
  },

  "terminate() errors the streams of results": async ({ make, gate }) => {
    const pool = make();
    const stream = await pool.execute("giveEndless", [CHUNK, gate.key]);
    const writable = await pool.execute("giveWritable", [gate.key]);
    const closed = watch(pool.close());
    await pool.terminate("enough");
    const error = await assertRejects(
      () => bytesIn(stream),
      PoolTerminatedError,
    );
    assertEquals(error.cause, "enough");
    await assertRejects(() => writable.getWriter().closed, PoolTerminatedError);
    assert(closed.isSettled);
  },

  "terminate() ends the streams of running and queued jobs": async (t) => {
    const pool = t.make();
    const jobs = [1, 2].map(() => {
      const [source, sink] = [new Source((i) => i), new Sink()];
      const args = [t.gate.key, source.stream, sink.stream] as const;
      const result = pool.execute("dieAtGate", [...args]);
      const error = assertRejects(() => result, PoolTerminatedError);
      return { source, sink, error };
    });
    await t.gate.arrived();
    await pool.terminate();
    for (const { source, sink, error } of jobs) {
      assertInstanceOf(await source.cancelled, PoolTerminatedError);
      assertInstanceOf(await sink.aborted, PoolTerminatedError);
      assertFalse(sink.isClosed);
      await error;
    }
  },
});

streamSuite("Streams and the death of a worker", {
  "execute() ends the streams of its job": async ({ pool, gate }) => {
    const source = new Source((i) => i);
    const sink = new Sink();
    const args = [gate.key, source.stream, sink.stream] as const;
    const result = pool.execute("dieAtGate", [...args]);
    gate.open();
    const error = await assertRejects(() => result, WorkerCrashedError);
    assert(error.started);
    assertInstanceOf(await source.cancelled, WorkerCrashedError);
    assertInstanceOf(await sink.aborted, WorkerCrashedError);
    assertEquals([sink.chunks, sink.isClosed], [["before"], false]);
  },

  "execute() errors its result streams after the arrived chunks": async (
    t,
  ) => {
    using other = new Gate();
    const endless = await t.pool.execute("giveEndless", [CHUNK, other.key]);
    const writable = await t.pool.execute("giveWritable", [other.key]);
    const passed = await through(
      t.pool,
      new ReadableStream({
        start: (controller) => controller.enqueue("before"),
      }),
    );
    const reader = passed.getReader();
    assertEquals((await reader.read()).value, "before");
    const dying = assertRejects(
      () => t.pool.execute("dieAtGate", [t.gate.key]),
      WorkerCrashedError,
    );
    t.gate.open();
    await dying;
    await assertRejects(() => reader.read(), WorkerCrashedError);
    await assertRejects(() => writable.getWriter().closed, WorkerCrashedError);
    await assertRejects(() => bytesIn(endless), WorkerCrashedError);
    assertEquals(await through(t.pool, 1), 1);
  },

  "execute() sends jobs that had not started to another worker": async (t) => {
    // Short jobs are sent ahead of their turn.
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => through(t.pool, i)),
    );
    const crashed = t.pool.stats().crashed;
    const dying = assertRejects(
      () => t.pool.execute("dieAtGate", [t.gate.key]),
      WorkerCrashedError,
    );
    const sizes = [10, 0, 9_000, 100, 40_000, 700_000, 1];
    const results = Array.from({ length: 8 }, (_, job) => {
      const { stream } = new Source((i) =>
        i < sizes.length
          ? new Uint8Array(sizes[i]).fill(job * 10 + i)
          : undefined
      );
      const sink = new Sink();
      const writes = t.pool.execute("write", [sink.stream, job]);
      const reads = t.pool.execute("chunksOfAll", [stream]);
      return [reads, writes, sink] as const;
    });
    await t.gate.arrived();
    // The available chunks are sent while the worker lives.
    await new Promise((resolve) => setTimeout(resolve, 10));
    t.gate.open();
    await dying;
    for (const [job, [reads, writes, sink]] of results.entries()) {
      const [chunks] = await reads;
      assertEquals(chunks.map(({ length }) => length), sizes);
      for (const [i, chunk] of chunks.entries()) {
        assert((chunk as Uint8Array).every((byte) => byte === job * 10 + i));
      }
      await writes;
      assertEquals([sink.chunks, sink.isClosed], [[job], true]);
    }
    assertEquals(t.pool.stats().crashed, crashed + 1);
  },
});

streamSuite("Streams and the abort of their job", {
  "execute() ends its streams with the reason if the job waits": async (t) => {
    const held = t.pool.execute("passGate", [t.gate.key]);
    await t.gate.arrived();
    const stop = new AbortController();
    const source = new Source((i) => i);
    const sink = new Sink();
    const result = t.pool.execute("copy", [source.stream, sink.stream], stop);
    const reason = new RangeError("stop");
    stop.abort(reason);
    assertEquals(await result.catch((error) => error), reason);
    assertEquals(await source.cancelled, reason);
    assertEquals(await sink.aborted, reason);
    t.gate.open();
    await held;
  },

  "execute() ends its streams with the handler if the job runs": async (t) => {
    const stop = new AbortController();
    const source = new Source((i) => i < 100 ? i : undefined);
    const args = [source.stream, 1, t.gate.key] as const;
    const result = t.pool.execute("countAroundGate", [...args], stop);
    await t.gate.arrived();
    stop.abort(new RangeError("stop"));
    await assertRejects(() => result, RangeError, "stop");
    t.gate.open();
    // The handler continues, and reads all chunks.
    assertEquals(await through(t.pool, 1), 1);
    assertEquals(source.pulled, 101);
  },

  "execute() cancels a stream that an aborted job returns": async (t) => {
    const stop = new AbortController();
    const result = t.pool.execute("giveAfterGate", [t.gate.key], stop);
    await t.gate.arrived();
    stop.abort(new RangeError("stop"));
    await assertRejects(() => result, RangeError, "stop");
    t.gate.open();
    const why = await t.pool.execute("whyCancelled");
    assertEquals(why, "Error Error: The job has ended");
  },

  "execute() leaves its streams alone after it has resolved": async (t) => {
    const stop = new AbortController();
    const given = ReadableStream.from([1, 2, 3]);
    const stream = await through(t.pool, given, stop);
    stop.abort();
    assertEquals(await chunksOf(stream), [1, 2, 3]);
  },
});
