// How a moved stream ends early: by a cancel, an abort, an error, or its job's end.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { errorHere } from "./fixtures/streams.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { chunksOf, describe, Sink, Source, streamPool } from "./streams.ts";
import { executeUntyped } from "./untyped.ts";

/** Reasons, and what arrives of them; text that is an error's name is made where it is thrown. */
const REASONS: [reason: unknown, arrives: string][] = [
  ["RangeError", "RangeError RangeError: too far"],
  ["DOMException", "DOMException NotFoundError: gone"],
  ["NotFound", "NotFound NotFound: no file"],
  ["Custom", "TypeError MyError: mine"],
  ["enough", '"enough"'],
  [undefined, "undefined"],
  [{ a: [1] }, "{ a: [ 1 ] }"],
];

/** What comes after a first chunk. */
function failing(error: unknown): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue("before"),
    pull: (controller) => controller.error(error),
  }, { highWaterMark: 0 });
}

poolTest("a job that cancels a stream cancels it at its source", async () => {
  await using pool = streamPool();
  for (const [reason, arrives] of REASONS) {
    const source = new Source((i) => i);
    await pool.execute("cancel", [source.stream, reason]);
    assertEquals(describe(await source.cancelled), arrives);
  }
});

poolTest("a caller that cancels a stream cancels it in the job", async () => {
  await using pool = streamPool();
  for (const [reason, arrives] of REASONS) {
    using gate = new Gate();
    const stream = await pool.execute("giveEndless", [100, gate.key]);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel(errorHere(reason));
    assertEquals(await pool.execute("lastCancelled"), arrives);
  }
});

poolTest("a job that aborts a stream aborts it in main", async () => {
  await using pool = streamPool();
  for (const [reason, arrives] of REASONS) {
    const sink = new Sink();
    await pool.execute("abort", [sink.stream, reason]);
    assertEquals(describe(await sink.aborted), arrives);
    assertFalse(sink.isClosed);
  }
});

poolTest("a caller that aborts a stream aborts it in the job", async () => {
  await using pool = streamPool();
  for (const [reason, arrives] of REASONS) {
    const stream = await pool.execute("giveWritable");
    const writer = stream.getWriter();
    await writer.write("before");
    await writer.abort(errorHere(reason));
    assertEquals(await pool.execute("lastAborted"), arrives);
    assertEquals(await pool.execute("lastWritten"), {
      chunks: ["before"],
      isClosed: false,
    });
  }
});

poolTest(
  "an error of a source arrives in the job after what came before it",
  async () => {
    await using pool = streamPool();
    for (const [error, arrives] of REASONS) {
      const outcome = await pool.execute("failureOf", [
        failing(errorHere(error)),
      ]);
      assertEquals(outcome, [arrives, ["before"]]);
    }
  },
);

poolTest(
  "an error of a job's stream arrives in main after what came before it",
  async () => {
    await using pool = streamPool();
    for (const [error, arrives] of REASONS) {
      const stream = await pool.execute("giveFailing", [error]);
      const reader = stream.getReader();
      assertEquals((await reader.read()).value, "before");
      const outcome = await reader.read().then(String, describe);
      assertEquals(outcome, arrives);
    }
  },
);

poolTest("an error keeps its properties and its cause", async () => {
  await using pool = streamPool();
  const error = new RangeError("outer", { cause: new TypeError("inner") });
  const stream = failing(Object.assign(error, { extra: [1] }));
  const seen = await pool.execute(async (stream: ReadableStream) => {
    const reader = stream.getReader();
    await reader.read();
    const error = await reader.read().catch((error) => error);
    return [
      error instanceof RangeError,
      error.extra,
      error.cause instanceof TypeError,
      error.cause.message,
    ];
  }, [stream]);
  assertEquals(seen, [true, [1], true, "inner"]);
});

poolTest(
  "an error of a sink in main arrives at the job that writes",
  async () => {
    await using pool = streamPool();
    for (const [error, arrives] of REASONS) {
      const stream = new WritableStream({
        write: () => Promise.reject(errorHere(error)),
      });
      assertEquals(await pool.execute("writeUntilError", [stream]), arrives);
    }
  },
);

poolTest(
  "a sink that fails while nothing is written fails in the job",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const failed = Promise.withResolvers<void>();
    const stream = new WritableStream({
      start: (controller) => {
        failed.promise.catch((error) => controller.error(error));
      },
    });
    const result = pool.execute("whyClosed", [stream, gate.key]);
    await gate.arrived();
    failed.reject(new RangeError("from outside"));
    assertEquals(await result, "RangeError RangeError: from outside");
  },
);

poolTest("a sink that fails as it is closed fails in the job", async () => {
  await using pool = streamPool();
  const stream = new WritableStream({
    close: () => Promise.reject(new RangeError("not closed")),
  });
  const name = await pool.execute(
    (stream: WritableStream) =>
      stream.close().then(() => "closed", (error) => error.name),
    [stream],
  );
  assertEquals(name, "RangeError");
});

poolTest(
  "a stream that has failed before its job starts fails there",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const held = pool.execute("blockAtGate", [gate.key]);
    await gate.arrived();
    const error = new RangeError("early");
    const result = pool.execute("failureOf", [failing(error)]);
    await new Promise((resolve) => setTimeout(resolve));
    gate.open();
    assertEquals(await result, ["RangeError RangeError: early", ["before"]]);
    await held;
  },
);

poolTest(
  "a stream that its job has not read to its end is cancelled",
  async () => {
    await using pool = streamPool();
    for (const count of [0, 3]) {
      const source = new Source((i) => i);
      await pool.execute("readSome", [source.stream, count]);
      assertEquals(
        describe(await source.cancelled),
        "Error Error: The job has ended",
      );
    }
  },
);

poolTest("a stream that its job has written is closed with it", async () => {
  await using pool = streamPool();
  for (const chunks of [[], ["a", "b"]]) {
    const sink = new Sink();
    await pool.execute("write", [sink.stream, ...chunks]);
    assertEquals([sink.chunks, sink.isClosed], [chunks, true]);
  }
});

poolTest(
  "what a job has written without waiting is written before it closes",
  async () => {
    await using pool = streamPool();
    for (const size of [0, 10, 100_000, 800_000]) {
      const sink = new Sink<Uint8Array>();
      await pool.execute("writeUnawaited", [sink.stream, 10, size]);
      assertEquals(
        sink.chunks.map(({ length }) => length),
        Array(10).fill(size),
      );
      assert(sink.isClosed);
    }
  },
);

poolTest(
  "a promise settles when what its job wrote is where it belongs",
  async () => {
    await using pool = streamPool();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new Sink(() => promise);
    let isSettled = false;
    const result = pool.execute("write", [sink.stream, "a", "b"]).then(() => {
      isSettled = true;
    });
    // The worker is free for another job meanwhile.
    assertEquals(await pool.execute("echo", [1]), 1);
    assertFalse(isSettled);
    resolve();
    await result;
    assertEquals([sink.chunks, sink.isClosed], [["a", "b"], true]);
  },
);

poolTest(
  "the streams of a job that fails are cancelled, and aborted with its error",
  async () => {
    await using pool = streamPool();
    const source = new Source((i) => i);
    const sink = new Sink();
    const result = pool.execute("fail", [source.stream, [sink.stream]]);
    const arrives = "RangeError RangeError: the job has failed";
    assertEquals(await result.catch(describe), arrives);
    assertEquals(describe(await sink.aborted), arrives);
    assertInstanceOf(await source.cancelled, Error);
    assertFalse(sink.isClosed);
  },
);

poolTest("the streams of a job whose result cannot be sent end", async () => {
  await using pool = streamPool();
  const source = new Source((i) => i);
  const result = pool.execute(
    (stream: ReadableStream) => [stream.locked, () => {}],
    [source.stream],
  );
  assertEquals((await result.catch((error) => error)).name, "JobCloneError");
  assertInstanceOf(await source.cancelled, Error);
});

poolTest(
  "what moved in with a job ends when its result has been cancelled",
  async () => {
    await using pool = streamPool();
    const source = new Source((i) => `${i}`);
    const sink = new Sink<string>();
    const copied = await pool.execute("copy", [source.stream, sink.stream]);
    const reader = copied.getReader();
    assertEquals((await reader.read()).value, "0");
    await reader.cancel(new RangeError("enough"));
    assertInstanceOf(await source.cancelled, Error);
    await pool.drain();
    assert(sink.isClosed);
  },
);

poolTest(
  "a stream of a result that has ended leaves nothing open",
  async () => {
    await using pool = streamPool();
    const source = new Source((i) => i);
    const given = await pool.execute(
      (_: ReadableStream) => ReadableStream.from([1, 2]),
      [source.stream],
    );
    assertEquals(await chunksOf(given), [1, 2]);
    assertEquals(
      describe(await source.cancelled),
      "Error Error: The job has ended",
    );
  },
);

poolTest(
  "streams end when their worker cannot start, or has no such job",
  async () => {
    for (
      const [code, error] of [["throw 1", "WorkerStartError"], [
        "",
        "JobNotFoundError",
      ]]
    ) {
      const module = `data:text/javascript,${code}`;
      await using pool = new ThreadPool({ module, size: 1 });
      const source = new Source((i) => i);
      const sink = new Sink();
      const result = executeUntyped(pool, "job", [source.stream, sink.stream]);
      assertStringIncludes(`${await result.catch(describe)}`, error);
      assertInstanceOf(await source.cancelled, Error);
      assertInstanceOf(await sink.aborted, Error);
    }
  },
);

poolTest("the end of a stream is known without another read", async () => {
  await using pool = streamPool();
  for (const size of [1, 20_000, 3_000_000]) {
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new Uint8Array(size));
        controller.close();
      },
    });
    assertEquals(await pool.execute("readThenClosed", [stream]), "closed");
    const back = await pool.execute("giveBytesAndEnd", [size]);
    const reader = back.getReader();
    await reader.read();
    await reader.closed;
  }
  const empty = ReadableStream.from([]);
  assertEquals(await pool.execute("closedUnread", [empty]), "closed");
});

poolTest("an end that comes later is known without another read", async () => {
  await using pool = streamPool();
  for (const error of [undefined, new RangeError("late")]) {
    using gate = new Gate();
    let controller!: ReadableStreamDefaultController;
    const stream = new ReadableStream({
      start: (given) => {
        controller = given;
        controller.enqueue("a");
      },
    });
    const result = pool.execute("readThenClosed", [stream, gate.key]);
    await gate.arrived();
    if (error) controller.error(error);
    else controller.close();
    assertEquals(await result, error ? describe(error) : "closed");
  }
});

poolTest("a stream that fails unread is known to have failed", async () => {
  await using pool = streamPool();
  const error = new RangeError("unread");
  // It has failed, or does while it is held up after more than may come unasked.
  for (const wait of [false, true]) {
    using gate = new Gate();
    let controller!: ReadableStreamDefaultController;
    const stream = new ReadableStream({
      start: (given) => void (controller = given),
    });
    if (!wait) controller.error(error);
    const result = pool.execute("closedUnread", [stream, gate.key]);
    await gate.arrived();
    if (wait) controller.error(error);
    assertEquals(await result, describe(error));
  }
});

poolTest("pipeTo() of a stream that has failed settles", async () => {
  await using pool = streamPool();
  const stream = new ReadableStream({
    start: (controller) => controller.error(new RangeError("failed")),
  });
  const outcome = await pool.execute(async (stream: ReadableStream) => {
    let aborted;
    // It asks for nothing.
    const sink = new WritableStream(
      { abort: (reason) => void (aborted = String(reason)) },
      { highWaterMark: 0 },
    );
    return [await stream.pipeTo(sink).catch(String), aborted];
  }, [stream]);
  assertEquals(outcome, ["RangeError: failed", "RangeError: failed"]);
});

poolTest("a stream that is kept fails when its job has ended", async () => {
  await using pool = streamPool();
  const stream = new ReadableStream();
  await pool.execute("keepReadable", [stream]);
  assertEquals(
    await pool.execute("whyKeptReadableClosed"),
    "Error Error: The job has ended",
  );
});

poolTest("a reader whose buffer stays half filled is told so", async () => {
  await using pool = streamPool();
  const stream = new Blob([new Uint8Array(5)]).stream();
  const outcomes = await pool.execute(async (stream: ReadableStream) => {
    const reader = stream.getReader({ mode: "byob" });
    const read = () =>
      reader.read(new Uint16Array(2)).then(
        ({ value }) => value?.length,
        (error) => error.name,
      );
    return [await read(), await read(), await read()];
  }, [stream]);
  assertEquals(outcomes, [2, "TypeError", "TypeError"]);
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest("a reader that asks for more than is left gets the rest", async () => {
  await using pool = streamPool();
  const stream = new Blob(["abcdefg"]).stream();
  const parts = await pool.execute(async (stream: ReadableStream) => {
    const reader = stream.getReader({ mode: "byob" });
    const parts = [];
    for (let i = 0; i < 3; i++) {
      const read = await reader.read(new Uint8Array(6), { min: 6 });
      parts.push([read.done, new TextDecoder().decode(read.value)]);
    }
    await reader.closed;
    return parts;
  }, [stream]);
  assertEquals(parts, [[false, "abcdef"], [true, "g"], [true, ""]]);
});
