// Streams among the arguments of jobs and in their results: all of them arrives.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { pattern, sameBytes } from "./sockets.ts";
import { bytesIn, chunksOf, Sink, Source, streamPool } from "./streams.ts";

poolTest("a ReadableStream moves into a job", async () => {
  await using pool = streamPool();
  const stream = ReadableStream.from(["a", "b", "c"]);
  const result = pool.execute("chunksOf", [stream]);
  assert(stream.locked);
  assertEquals(await result, ["a", "b", "c"]);
});

poolTest("a WritableStream moves into a job", async () => {
  await using pool = streamPool();
  const sink = new Sink();
  const result = pool.execute("write", [sink.stream, "a", "b"]);
  assert(sink.stream.locked);
  await result;
  assertEquals(sink.chunks, ["a", "b"]);
});

poolTest("a ReadableStream moves out of a job", async () => {
  await using pool = streamPool();
  const stream = await pool.execute("give", [["a", { b: 1 }]]);
  assertInstanceOf(stream, ReadableStream);
  assertEquals(await chunksOf<unknown>(stream), ["a", { b: 1 }]);
});

poolTest("a WritableStream moves out of a job", async () => {
  await using pool = streamPool();
  const stream = await pool.execute("giveWritable");
  const writer = stream.getWriter();
  await writer.write("a");
  await writer.write(2);
  await writer.close();
  assertEquals(await pool.execute("lastWritten"), {
    chunks: ["a", 2],
    isClosed: true,
  });
});

poolTest("streams move as members of arguments and of a result", async () => {
  await using pool = streamPool();
  const members = { a: [ReadableStream.from([1])], b: new Map() };
  members.b.set("c", ReadableStream.from([2]));
  const sums = await pool.execute(
    async (
      { a, b }: { a: ReadableStream[]; b: Map<string, ReadableStream> },
    ) => [
      (await a[0].getReader().read()).value,
      (await b.get("c")!.getReader().read()).value,
    ],
    [members],
  );
  assertEquals(sums, [1, 2]);

  const { name, first, rest } = await pool.execute("giveMembers");
  assertEquals(name, "members");
  assertEquals(await chunksOf(first), [1, 2]);
  assertEquals(await chunksOf(rest[0]), ["a"]);
  assertEquals(await new Response(rest[1].get("b")).text(), "b");
});

poolTest("a stream that sits at two places is one stream there", async () => {
  await using pool = streamPool();
  const stream = ReadableStream.from([1]);
  const isSame = await pool.execute(
    (a: ReadableStream, { b }: { b: ReadableStream }) => a === b,
    [stream, { b: stream }],
  );
  assert(isSame);
});

poolTest("a stream moves with transfer(), too", async () => {
  await using pool = streamPool();
  const marked = ReadableStream.from(["marked"]);
  const listed = ReadableStream.from(["listed"]);
  const results = [
    pool.execute("chunksOf", [transfer(marked)]),
    pool.execute("chunksOf", [listed], { transfer: [listed] }),
  ];
  assert(marked.locked && listed.locked);
  assertEquals(await Promise.all(results), [["marked"], ["listed"]]);
});

poolTest("a stream without chunks ends in the job", async () => {
  await using pool = streamPool();
  assertEquals(await pool.execute("chunksOf", [ReadableStream.from([])]), []);
  assertEquals(await chunksOf(await pool.execute("give", [[]])), []);
});

poolTest("a stream passes through a job as its result", async () => {
  await using pool = streamPool();
  const numbers = Array.from({ length: 1_000 }, (_, i) => i);
  const passed = await pool.execute("pass", [ReadableStream.from(numbers)]);
  assertEquals(await chunksOf<unknown>(passed), numbers);

  const letters = ["a", "b", "c"];
  const upper = await pool.execute("upper", [ReadableStream.from(letters)]);
  assertEquals(await chunksOf(upper), ["A", "B", "C"]);
});

poolTest(
  "a stream passes through several jobs, each of another pool",
  async () => {
    await using first = streamPool();
    await using second = streamPool();
    let stream: ReadableStream = new Blob([pattern(300_000)]).stream();
    for (const pool of [first, second, first]) {
      stream = await pool.execute("pass", [stream]);
    }
    assert(sameBytes(await bytesIn(stream), pattern(300_000)));
  },
);

poolTest(
  "several streams move with one job, each as fast as it is read",
  async () => {
    await using pool = streamPool();
    const streams = [3, 0, 2_000, 50].map((count) => {
      return ReadableStream.from(Array.from({ length: count }, (_, i) => i));
    });
    const all = await pool.execute("chunksOfAll", streams);
    assertEquals(all.map(({ length }) => length), [3, 0, 2_000, 50]);
    assertEquals(all[2].at(-1), 1_999);
  },
);

poolTest(
  "a job reads one stream, writes a second and gives a third",
  async () => {
    await using pool = streamPool();
    const letters = Array.from({ length: 500 }, (_, i) => `letter ${i}`);
    const sink = new Sink();
    const copied = await pool.execute("copy", [
      ReadableStream.from(letters),
      sink.stream,
    ]);
    assertEquals(await chunksOf<unknown>(copied), letters);
    // What moved in with the job ends with the stream of its result.
    await pool.drain();
    assertEquals([sink.chunks, sink.isClosed], [letters, true]);
  },
);

poolTest(
  "many jobs with streams share few workers, and mix nothing up",
  async () => {
    await using pool = streamPool(2);
    const results = Array.from({ length: 60 }, async (_, i) => {
      const bytes = pattern(i * 1_000).map((byte) => byte ^ i);
      const stream = await pool.execute("pass", [new Blob([bytes]).stream()]);
      assert(sameBytes(await bytesIn(stream), bytes), `job ${i}`);
    });
    await Promise.all(results);
  },
);

poolTest(
  "a stream of bytes stays one, for readers with buffers of their own",
  async () => {
    await using pool = streamPool();
    for (const size of [1, 7_000, 100_000]) {
      const length = size === 1 ? 500 : 500_000;
      const body = new Blob([pattern(length)]).stream();
      const sizes = await pool.execute("readByob", [body, size]);
      assertEquals(sizes?.reduce((a, b) => a + b), length);

      const stream = await pool.execute("giveBytes", [length, 9_999]);
      const reader = stream.getReader({ mode: "byob" });
      const view = new Uint8Array(size);
      const { value } = await reader.read(view, { min: size });
      assert(sameBytes(value!, pattern(length).subarray(0, size)));
      reader.releaseLock();
      const rest = await bytesIn(stream);
      assert(sameBytes(rest, pattern(length).slice(size)));
    }
  },
);

poolTest("a stream that is not one of bytes becomes none", async () => {
  await using pool = streamPool();
  const bytes = ReadableStream.from([new Uint8Array(1)]);
  await assertRejects(() => pool.execute("readByob", [bytes, 1]), TypeError);
});

for (
  const [name, make] of Object.entries({
    "a locked ReadableStream": () => {
      const stream = ReadableStream.from([1]);
      stream.getReader();
      return stream;
    },
    "a locked WritableStream": () => {
      const { stream } = new Sink();
      stream.getWriter();
      return stream;
    },
  })
) {
  poolTest(
    `${name} is refused, and streams beside it are untouched`,
    async () => {
      await using pool = streamPool();
      const source = new Source((i) => i < 3 ? i : undefined);
      const sink = new Sink();
      const error = await assertRejects(
        () =>
          pool.execute(
            "chunksOfAll",
            [source.stream, [sink.stream], make()] as never,
          ),
        JobCloneError,
      );
      assertStringIncludes(error.message, "args[2]");
      assertStringIncludes(error.message, "is locked");
      assertEquals(source.pulled, 0);
      assertFalse(source.stream.locked || sink.stream.locked);
      assertEquals(await pool.execute("chunksOf", [source.stream]), [0, 1, 2]);
    },
  );
}

poolTest(
  "a stream that a job has taken is locked: no other job gets it",
  async () => {
    await using pool = streamPool();
    const stream = ReadableStream.from(["a"]);
    const first = pool.execute("chunksOf", [stream]);
    await assertRejects(
      () => pool.execute("chunksOf", [stream]),
      JobCloneError,
      "is locked",
    );
    assertEquals(await first, ["a"]);
  },
);

poolTest("a stream moves into an inline job, and out of it", async () => {
  await using pool = new ThreadPool(1);
  const lengths = await pool.execute(
    (stream: ReadableStream<string>) =>
      stream.pipeThrough(
        new TransformStream<string, number>({
          transform: (chunk, controller) => controller.enqueue(chunk.length),
        }),
      ),
    [ReadableStream.from(["a", "bcd", ""])],
  );
  assertEquals(await chunksOf(lengths), [1, 3, 0]);
});

poolTest(
  "a job in the queue keeps its stream, whose first chunk is large",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const held = pool.execute("blockAtGate", [gate.key]);
    await gate.arrived();
    const sources = Array.from({ length: 5 }, (_, job) => {
      return new Source((i) =>
        i < 3 ? new Uint8Array(1_000_000).fill(job * 3 + i) : undefined
      );
    });
    const results = sources.map(({ stream }) =>
      pool.execute("bytesIn", [stream])
    );
    gate.open();
    for (const [job, result] of results.entries()) {
      const bytes = await result;
      assertEquals(bytes.length, 3_000_000);
      assertEquals([0, 1, 2].map((i) => bytes[i * 1_000_000 + 999_999]), [
        job * 3,
        job * 3 + 1,
        job * 3 + 2,
      ]);
    }
    await held;
  },
);

poolTest(
  "streams come out beside buffers that move, and other values",
  async () => {
    await using pool = new ThreadPool(1);
    const result = await pool.execute(() =>
      transfer({
        buffer: new ArrayBuffer(8),
        stream: ReadableStream.from([1]),
        map: new Map([[new URL("http://a.test/"), new Response("b")]]),
      })
    );
    assertEquals(result.buffer.byteLength, 8);
    assertEquals(await chunksOf(result.stream), [1]);
    const [[url, response]] = result.map;
    assertEquals([url.href, await response.text()], ["http://a.test/", "b"]);
  },
);

poolTest(
  "a stream that has come whole is read after its pool has ended",
  async () => {
    const pool = streamPool();
    const stream = await pool.execute("give", [[1, pattern(50_000), "a"]]);
    await pool.close();
    const [number, bytes, text] = await chunksOf<unknown>(stream);
    assertEquals([number, text], [1, "a"]);
    assert(sameBytes(bytes as Uint8Array, pattern(50_000)));
  },
);
