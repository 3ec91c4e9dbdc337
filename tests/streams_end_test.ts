// How a moved stream ends: by a cancel, an abort, an error, or the end of its job.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Gate } from "./gate.ts";
import { rows } from "./moving_pools.ts";
import {
  chunksOf,
  describe,
  Sink,
  Source,
  streamSuite,
  through,
} from "./streams.ts";
import { executeUntyped } from "./untyped.ts";

/** Reasons, by the text of what arrives. */
const REASONS: Record<string, unknown> = {
  "RangeError RangeError: too far": new RangeError("too far"),
  "DOMException NotFoundError: gone": new DOMException("gone", "NotFoundError"),
  "NotFound NotFound: no file": new Deno.errors.NotFound("no file"),
  "TypeError MyError: mine": new class MyError extends TypeError {}("mine"),
  '"enough"': "enough",
  "undefined": undefined,
  "{ a: [ 1 ] }": { a: [1] },
};

const ENDED = "Error Error: The job has ended";
const GONE = "RangeError RangeError: gone";

/** Returns a stream that fails after a first chunk. */
function failing(error: unknown): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue("before"),
    pull: (controller) => controller.error(error),
  }, { highWaterMark: 0 });
}

/** Returns what a stream fails with, and the chunks before. */
async function failureOf(stream: ReadableStream): Promise<[string, unknown[]]> {
  const chunks: unknown[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return ["none", chunks];
  } catch (error) {
    return [describe(error), chunks];
  }
}

/** Returns a readable stream and its controller. */
function readable(error?: unknown) {
  let controller!: ReadableStreamDefaultController;
  const stream = new ReadableStream({
    start: (given) => void (controller = given),
  });
  if (error) controller.error(error);
  return { stream, controller };
}

/** Returns a writable stream, and a function that makes it fail. */
function failable(): { stream: WritableStream; fail: () => void } {
  let controller!: WritableStreamDefaultController;
  const stream = new WritableStream({
    start: (given) => void (controller = given),
  });
  return { stream, fail: () => controller.error(new RangeError("gone")) };
}

function failed(): WritableStream {
  const { stream, fail } = failable();
  fail();
  return stream;
}

async function closed(): Promise<WritableStream> {
  const stream = new WritableStream();
  await stream.close();
  return stream;
}

streamSuite("The reason with which a stream ends", {
  ...rows(
    REASONS,
    (arrives) => `Streams carry the reason in and out: ${arrives}`,
    async ({ pool }, reason, arrives) => {
      const source = new Source((i) => i);
      const reader = (await through(pool, source.stream)).getReader();
      await reader.read();
      await reader.cancel(reason);
      assertEquals(describe(await source.cancelled), arrives);

      const sink = new Sink();
      const writer = (await through(pool, sink.stream)).getWriter();
      await writer.write("before");
      await writer.abort(reason);
      assertEquals(describe(await sink.aborted), arrives);
      assertEquals([sink.chunks, sink.isClosed], [["before"], false]);

      const stream = await through(pool, failing(reason));
      assertEquals(await failureOf(stream), [arrives, ["before"]]);

      const rejecting = new WritableStream({
        write: () => Promise.reject(reason),
      });
      const failedWriter = (await through(pool, rejecting)).getWriter();
      failedWriter.write("x").catch(() => {});
      const why = failedWriter.closed.catch(describe);
      assertEquals(await why, arrives);
    },
  ),

  "Streams carry an error with its properties and its cause": async (t) => {
    const error = new RangeError("outer", { cause: new TypeError("inner") });
    const stream = failing(Object.assign(error, { extra: [1] }));
    const reader = (await through(t.pool, stream)).getReader();
    await reader.read();
    const arrived = await reader.read().catch((error) => error);
    assertInstanceOf(arrived, RangeError);
    assertInstanceOf(arrived.cause, TypeError);
    assertEquals((arrived as typeof error & { extra: unknown }).extra, [1]);
  },
});

const USES = ["write", "close", "closed", "pipe"] as const;

/** Outcome of each use of a stream that has ended. */
const OUTCOMES = {
  failed: [GONE, "TypeError", GONE, GONE],
  closed: ["TypeError", "TypeError", "closed", "TypeError"],
};

streamSuite("A WritableStream that has ended", {
  ...rows(
    {
      failed: [failed, OUTCOMES.failed],
      closed: [closed, OUTCOMES.closed],
    } as const,
    (what) => `WritableStream is ${what} in a job if it was before it moved`,
    async ({ pool }, [make, outcomes]) => {
      const uses = USES.map(async (use) => {
        return await pool.execute("useWritable", [await make(), use]);
      });
      assertEquals(await Promise.all(uses), outcomes);
    },
  ),

  "WritableStream has failed if it fails while its job waits": async (t) => {
    const held = t.pool.execute("blockAtGate", [t.gate.key]);
    await t.gate.arrived();
    const all = USES.map((use) => {
      const { stream, fail } = failable();
      return { fail, result: t.pool.execute("useWritable", [stream, use]) };
    });
    // As when the client of a server leaves.
    const left = new TransformStream();
    const piped = t.pool.execute("useWritable", [left.writable, "pipe"]);
    // By now the jobs have been sent ahead, or not.
    await new Promise((resolve) => setTimeout(resolve));
    for (const { fail } of all) fail();
    await left.readable.cancel("gone");
    t.gate.open();
    const outcomes = await Promise.all(all.map(({ result }) => result));
    assertEquals(outcomes, OUTCOMES.failed);
    assertEquals(await piped, '"gone"');
    await held;
  },

  "WritableStream has failed if its job then goes to another worker": async (
    t,
  ) => {
    const pool = t.make({ size: 2 });
    using second = new Gate();
    const held = [t.gate, second].map(({ key }) => {
      return pool.execute("blockAtGate", [key]);
    });
    await Promise.all([t.gate.arrived(), second.arrived()]);
    const { stream, fail } = failable();
    const results = [stream, await closed()].map((stream) => {
      return pool.execute("useWritable", [stream, "closed"]);
    });
    // Sent ahead to either worker, it will start in the other.
    await new Promise((resolve) => setTimeout(resolve));
    fail();
    second.open();
    await held[1];
    // The first worker may hold one of the jobs until it is free.
    assert([GONE, "closed"].includes(await Promise.race(results)));
    t.gate.open();
    assertEquals(await Promise.all(results), [GONE, "closed"]);
    await held[0];
  },

  "WritableStream fails in a job that writes nothing": async (t) => {
    const { stream, fail } = failable();
    const args = [stream, "closed", t.gate.key] as const;
    const result = t.pool.execute("useWritable", [...args]);
    await t.gate.arrived();
    fail();
    assertEquals(await result, GONE);
  },

  "WritableStream in a result has failed or is closed, as in the job": async (
    { pool },
  ) => {
    const stream = await through(pool, failed());
    await assertRejects(() => stream.getWriter().closed, RangeError, "gone");
    const writer = (await through(pool, await closed())).getWriter();
    await writer.closed;
    await assertRejects(() => writer.write("late"), TypeError);
  },

  "WritableStream fails if its sink cannot close": async ({ pool }) => {
    const stream = await through(
      pool,
      new WritableStream({
        close: () => Promise.reject(new RangeError("not closed")),
      }),
    );
    await assertRejects(() => stream.close(), RangeError, "not closed");
  },
});

streamSuite("The end of a ReadableStream", {
  "ReadableStream fails in the job if it fails before the job starts": async (
    t,
  ) => {
    const held = t.pool.execute("blockAtGate", [t.gate.key]);
    await t.gate.arrived();
    const result = through(t.pool, failing(new RangeError("gone")));
    await new Promise((resolve) => setTimeout(resolve));
    t.gate.open();
    assertEquals(await failureOf(await result), [GONE, ["before"]]);
    await held;
  },

  "ReadableStream reports its end without another read": async (t) => {
    assertEquals(
      await t.pool.execute("howItCloses", [ReadableStream.from([]), 0]),
      "closed",
    );
    const early = readable(new RangeError("gone")).stream;
    assertEquals(await t.pool.execute("howItCloses", [early, 0]), GONE);
    for (const size of [1, 20_000, 3_000_000]) {
      const make = () => {
        const { stream, controller } = readable();
        controller.enqueue(new Uint8Array(size));
        controller.close();
        return stream;
      };
      const result = t.pool.execute("howItCloses", [make(), 1]);
      assertEquals(await result, "closed");
      const reader = (await through(t.pool, make())).getReader();
      await reader.read();
      await reader.closed;
    }
  },

  ...rows(
    {
      "ended, after a read": [1, undefined],
      "failed, after a read": [1, new RangeError("gone")],
      "failed, unread": [0, new RangeError("gone")],
    } as const,
    (how) => `ReadableStream reports later that it has ${how}`,
    async ({ pool, gate }, [count, error]) => {
      const { stream, controller } = readable();
      if (count) controller.enqueue("a");
      const result = pool.execute("howItCloses", [stream, count, gate.key]);
      await gate.arrived();
      if (error) controller.error(error);
      else controller.close();
      assertEquals(await result, error ? GONE : "closed");
    },
  ),

  "ReadableStream.pipeTo() settles after a failure": async ({ pool }) => {
    const { stream } = readable(new RangeError("failed"));
    const outcome = await pool.execute(async (stream: ReadableStream) => {
      let aborted;
      // The sink requests no chunk.
      const sink = new WritableStream(
        { abort: (reason) => void (aborted = String(reason)) },
        { highWaterMark: 0 },
      );
      return [await stream.pipeTo(sink).catch(String), aborted];
    }, [stream]);
    assertEquals(outcome, ["RangeError: failed", "RangeError: failed"]);
  },

  "ReadableStream rejects a BYOB read that ends mid-element": async (t) => {
    const stream = await through(
      t.pool,
      new Blob([new Uint8Array(5)]).stream() as ReadableStream,
    );
    const reader = stream.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint16Array(2));
    assertEquals(value?.length, 2);
    for (let i = 0; i < 2; i++) {
      await assertRejects(() => reader.read(new Uint16Array(2)), TypeError);
    }
  },

  "ReadableStream returns the rest to a BYOB reader that asks for more": async (
    t,
  ) => {
    const stream = await through(t.pool, new Blob(["abcdefg"]).stream());
    const reader = stream.getReader({ mode: "byob" });
    const parts = [];
    for (let i = 0; i < 3; i++) {
      const read = await reader.read(new Uint8Array(6), { min: 6 });
      parts.push([read.done, new TextDecoder().decode(read.value)]);
    }
    await reader.closed;
    assertEquals(parts, [[false, "abcdef"], [true, "g"], [true, ""]]);
  },
});

streamSuite("Streams at the end of their job", {
  ...rows(
    { "unread": 0, "read in part": 3 },
    (how) => `execute() cancels a stream that is ${how}`,
    async ({ pool }, count) => {
      const source = new Source((i) => i);
      await pool.execute("readSome", [source.stream, count]);
      assertEquals(describe(await source.cancelled), ENDED);
    },
  ),

  "execute() closes streams that a job has written to or not": async (t) => {
    for (const chunks of [[], ["a", "b"]]) {
      const sink = new Sink();
      await t.pool.execute("write", [sink.stream, ...chunks]);
      assertEquals([sink.chunks, sink.isClosed], [chunks, true]);
    }
  },

  "execute() writes what a job wrote without awaiting": async ({ pool }) => {
    for (const size of [0, 10, 100_000, 800_000]) {
      const sink = new Sink<Uint8Array>();
      await pool.execute((stream: WritableStream, size: number) => {
        const writer = stream.getWriter();
        for (let i = 0; i < 10; i++) writer.write(new Uint8Array(size));
      }, [sink.stream, size]);
      const sizes = sink.chunks.map(({ length }) => length);
      assertEquals([sizes, sink.isClosed], [Array(10).fill(size), true]);
    }
  },

  "execute() resolves when the sink has what a job wrote": async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new Sink(() => promise);
    let isSettled = false;
    const result = t.pool.execute("write", [sink.stream, "a", "b"]).then(() => {
      isSettled = true;
    });
    // Meanwhile the worker is free for another job.
    assertEquals(await through(t.pool, 1), 1);
    assertFalse(isSettled);
    resolve();
    await result;
    assertEquals([sink.chunks, sink.isClosed], [["a", "b"], true]);
  },

  "execute() ends streams that a job keeps after its end": async ({ pool }) => {
    const sink = new Sink();
    await pool.execute("keep", [new ReadableStream(), sink.stream]);
    assert(sink.isClosed);
    assertEquals(await pool.execute("howTheyClosed"), [ENDED, ENDED]);
  },

  "execute() cancels and aborts the streams of a job that fails": async (
    t,
  ) => {
    const source = new Source((i) => i);
    const sink = new Sink();
    const result = t.pool.execute("fail", [source.stream, [sink.stream]]);
    const arrives = "RangeError RangeError: the job has failed";
    assertEquals(await result.catch(describe), arrives);
    assertEquals(describe(await sink.aborted), arrives);
    assertInstanceOf(await source.cancelled, Error);
    assertFalse(sink.isClosed);
  },

  "execute() aborts a sink at its last chunk when a job fails": async (t) => {
    const stream = new WritableStream({
      write: (_, { signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve());
        }),
    });
    const result = t.pool.execute(async (stream: WritableStream) => {
      stream.getWriter().write("last").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve));
      throw new RangeError("the job has failed");
    }, [stream]);
    await assertRejects(() => result, RangeError, "the job has failed");
  },

  "execute() ends the streams of a job whose result cannot be sent": async (
    t,
  ) => {
    const source = new Source((i) => i);
    const result = t.pool.execute(
      (stream: ReadableStream) => [stream.locked, () => {}],
      [source.stream],
    );
    assertStringIncludes(`${await result.catch(describe)}`, "JobCloneError");
    assertInstanceOf(await source.cancelled, Error);
  },

  "execute() ends streams that moved in when its result is canceled": async (
    t,
  ) => {
    const source = new Source((i) => `${i}`);
    const sink = new Sink<string>();
    const copied = await t.pool.execute("copy", [source.stream, sink.stream]);
    const reader = copied.getReader();
    assertEquals((await reader.read()).value, "0");
    await reader.cancel(new RangeError("enough"));
    assertInstanceOf(await source.cancelled, Error);
    await t.pool.drain();
    assert(sink.isClosed);
  },

  "execute() ends streams that moved in when its result ends": async (t) => {
    const source = new Source((i) => i);
    const given = await t.pool.execute(
      (_: ReadableStream) => ReadableStream.from([1, 2]),
      [source.stream],
    );
    assertEquals(await chunksOf(given), [1, 2]);
    assertEquals(describe(await source.cancelled), ENDED);
  },

  ...rows(
    { "WorkerStartError": "throw 1", "JobNotFoundError": "" },
    (name) => `execute() ends the streams of a job that fails with ${name}`,
    async ({ make }, code, name) => {
      const pool = make({ module: `data:text/javascript,${code}` });
      const source = new Source((i) => i);
      const sink = new Sink();
      const result = executeUntyped(pool, "job", [source.stream, sink.stream]);
      assertStringIncludes(`${await result.catch(describe)}`, name);
      assertInstanceOf(await source.cancelled, Error);
      assertInstanceOf(await sink.aborted, Error);
    },
  ),
});
