// Streams in the arguments and results of jobs: all chunks arrive, in order and with
// their types.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, type ThreadPool, transfer } from "@spindle/thread-pool";
import { Buffer } from "node:buffer";
import type * as jobs from "./fixtures/streams.ts";
import { rows } from "./moving_pools.ts";
import { randomOf } from "./random.ts";
import { pattern, sameBytes } from "./sockets.ts";
import {
  bytesIn,
  chunksOf,
  describe,
  join,
  show,
  Sink,
  Source,
  streamSuite,
  through,
} from "./streams.ts";

const LARGE = 20_000;
const FAR = new RangeError("far");

/** Returns a view of a part of a buffer. */
const part = (length: number) => pattern(length + 20).subarray(10, 10 + length);

/** Fills memory with the bytes of a pattern. */
function filled(buffer: ArrayBufferLike): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(buffer as ArrayBuffer);
  bytes.set(pattern(bytes.length));
  return bytes;
}

const wasmMemory = () =>
  filled(new WebAssembly.Memory({ initial: 1 }).buffer as ArrayBuffer);

/** Whether the memory of a value, or of what it holds, has moved. */
function isDetached(value: unknown): boolean {
  if (value instanceof ArrayBuffer) return value.detached;
  if (ArrayBuffer.isView(value)) return isDetached(value.buffer);
  return Object.values(value as object).flat().every(isDetached);
}

/** Runs a check on chunks that pass through a stream into a job, and out of a job. */
async function passAll(
  pool: ThreadPool<typeof jobs>,
  check: (pass: (chunks: unknown[]) => Promise<unknown[]>) => Promise<void>,
): Promise<void> {
  await check(async (chunks) => {
    const stream = ReadableStream.from(chunks);
    return (await pool.execute("chunksOfAll", [stream]))[0];
  });
  await check(async (chunks) => {
    const sink = new Sink();
    const stream = await through(pool, sink.stream);
    await ReadableStream.from(chunks).pipeTo(stream);
    return sink.chunks;
  });
}

/** Chunks of bytes, of which only the bytes arrive. */
const BYTES: Record<string, (length: number) => Uint8Array> = {
  "all of a buffer": pattern,
  "a part of a buffer": part,
  "node's Buffer": (length) => Buffer.from(pattern(length)),
  "shared memory": (length) => filled(new SharedArrayBuffer(length)),
  "a resizable buffer": (length) =>
    filled(new ArrayBuffer(length, { maxByteLength: 2 * length })),
  "the memory of a WebAssembly module": (length) =>
    wasmMemory().subarray(0, length),
  "all the memory of a WebAssembly module": wasmMemory,
};

const CHUNKS: Record<string, () => unknown> = {
  "a string": () => "grüße \u{1F980} \0 \ud800",
  "an empty string": () => "",
  "a long string": () => "é".repeat(300_000),
  "0": () => 0,
  "a number that could be a length": () => 1_000,
  "a negative number": () => -1.5,
  "2 ** 40": () => 2 ** 40,
  "NaN": () => NaN,
  "undefined": () => undefined,
  "null": () => null,
  "true": () => true,
  "a bigint": () => 2n ** 70n,
  "an object": () => ({ a: [1, { b: new Date(1) }], c: undefined }),
  "a Map of a Set": () => new Map([["a", new Set([1, "b"])]]),
  "an array of bytes": () => [part(10), part(LARGE)],
  "an error": () => FAR,
  "an empty Uint8Array": () => new Uint8Array(),
  "an empty ArrayBuffer": () => new ArrayBuffer(),
  "an ArrayBuffer": () => pattern(100).buffer,
  "a large ArrayBuffer": () => pattern(LARGE).buffer,
  "the memory of a WebAssembly module": () => wasmMemory().buffer,
  "a Uint8ClampedArray": () => new Uint8ClampedArray(pattern(10)),
  "a Float64Array": () => new Float64Array([1.5, NaN, -0]),
  "a large Int16Array": () => new Int16Array(pattern(LARGE).buffer),
  "a view of a WebAssembly module": () => new Int32Array(wasmMemory().buffer),
  "an empty BigInt64Array": () => new BigInt64Array(),
  "a DataView": () => new DataView(pattern(100).buffer),
};

/** Chunks that cannot be sent, each with a text that the message must include. */
const REFUSED: Record<string, [said: string, make: () => unknown]> = {
  "a function": ["a function", () => () => {}],
  "a symbol": ["Symbol(s)", () => Symbol("s")],
  "a promise": ["chunk.later", () => ({ later: Promise.resolve() })],
  "an instance without properties": ["chunk", () => new class {}()],
  "a URL": ["URL", () => ({ url: new URL("http://a") })],
  "a stream": ["ReadableStream", () => new ReadableStream()],
};

/** Streams that cannot move. */
const LOCKED: Record<string, () => unknown> = {
  "ReadableStream": () => {
    const stream = ReadableStream.from([1]);
    stream.getReader();
    return stream;
  },
  "WritableStream": () => {
    const { stream } = new Sink();
    stream.getWriter();
    return stream;
  },
};

streamSuite("Streams of jobs", {
  "execute() moves a ReadableStream in and out": async ({ pool }) => {
    for (const chunks of [[], ["a", { b: 1 }]]) {
      const stream = ReadableStream.from<unknown>(chunks);
      const result = through(pool, stream);
      assert(stream.locked);
      const passed = await result;
      assertInstanceOf(passed, ReadableStream);
      assertEquals(await chunksOf(passed), chunks);
    }
  },

  "execute() moves a WritableStream in and out": async ({ pool }) => {
    const sink = new Sink();
    const result = through(pool, sink.stream);
    assert(sink.stream.locked);
    const stream = await result;
    assertInstanceOf(stream, WritableStream);
    const writer = stream.getWriter();
    await writer.write("a");
    await writer.write(2);
    await writer.close();
    assertEquals([sink.chunks, sink.isClosed], [["a", 2], true]);
  },

  "execute() moves streams at any depth with other values": async (t) => {
    const marked = transfer(ReadableStream.from([2]));
    const listed = ReadableStream.from([3]);
    const value = {
      a: [ReadableStream.from([1])],
      b: new Map([["marked", marked], ["listed", listed]]),
      buffer: transfer(new ArrayBuffer(8)),
      more: new Map([[new URL("http://a.test/"), new Response("b")]]),
    };
    const passed = await through(t.pool, value, { transfer: [listed] });
    const { a, b, buffer, more } = passed;
    const streams = [a[0], b.get("marked")!, b.get("listed")!];
    assertEquals(await Promise.all(streams.map(chunksOf)), [[1], [2], [3]]);
    const [[url, response]] = more;
    assertEquals(
      [buffer.byteLength, url.href, await response.text()],
      [8, "http://a.test/", "b"],
    );
  },

  "execute() keeps one stream at two places identical": async ({ pool }) => {
    const stream = ReadableStream.from([1]);
    const isSame = await pool.execute(
      (a: ReadableStream, { b }: { b: ReadableStream }) => a === b,
      [stream, { b: stream }],
    );
    assert(isSame);
  },

  "execute() moves a stream through jobs of several pools": async (t) => {
    let stream: ReadableStream = new Blob([pattern(300_000)]).stream();
    for (const next of [t.pool, t.make(), t.pool]) {
      stream = await through(next, stream);
    }
    assert(sameBytes(await bytesIn(stream), pattern(300_000)));
  },

  "execute() lets a job read, write and return different streams": async (
    t,
  ) => {
    const letters = Array.from({ length: 500 }, (_, i) => `letter ${i}`);
    const sink = new Sink();
    const source = ReadableStream.from<unknown>(letters);
    const copied = await t.pool.execute("copy", [source, sink.stream]);
    assertEquals(await chunksOf(copied), letters);
    // What moved in with the job ends with the stream of its result.
    await t.pool.drain();
    assertEquals([sink.chunks, sink.isClosed], [letters, true]);
  },

  "execute() keeps the streams of many jobs apart": async (t) => {
    const pool = t.make({ size: 2 });
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      const bytes = pattern(i * 1_000).map((byte) => byte ^ i);
      const stream = await through(pool, new Blob([bytes]).stream());
      assert(sameBytes(await bytesIn(stream), bytes), `job ${i}`);
    }));
  },

  "execute() keeps a byte stream readable by BYOB readers": async (t) => {
    for (
      const [length, size] of [[500, 1], [500_000, 7_000], [500_000, 100_000]]
    ) {
      const stream = () => new Blob([pattern(length)]).stream();
      assertEquals(await t.pool.execute("readByob", [stream(), size]), length);
      const passed = await through(t.pool, stream());
      const reader = passed.getReader({ mode: "byob" });
      const { value } = await reader.read(new Uint8Array(size), { min: size });
      assert(sameBytes(value!, pattern(length).subarray(0, size)));
      reader.releaseLock();
      assert(sameBytes(await bytesIn(passed), pattern(length).slice(size)));
    }
    const none = ReadableStream.from([new Uint8Array(1)]);
    await assertRejects(() => t.pool.execute("readByob", [none, 1]), TypeError);
  },

  ...rows(
    LOCKED,
    (name) => `execute() refuses a locked ${name}, and moves nothing else`,
    async ({ pool }, make) => {
      const source = new Source((i) => i < 3 ? i : undefined);
      const sink = new Sink();
      const args = [source.stream, [sink.stream], make()] as never;
      const { message } = await assertRejects(
        () => pool.execute("chunksOfAll", args),
        JobCloneError,
        "is locked",
      );
      assertStringIncludes(message, "args[2]");
      assertEquals(source.pulled, 0);
      assertFalse(source.stream.locked || sink.stream.locked);
      const chunks = await pool.execute("chunksOfAll", [source.stream]);
      assertEquals(chunks, [[0, 1, 2]]);
    },
  ),

  "execute() refuses a stream that has moved": async ({ pool }) => {
    const stream = ReadableStream.from(["a"]);
    const first = pool.execute("chunksOfAll", [stream]);
    await assertRejects(
      () => pool.execute("chunksOfAll", [stream]),
      JobCloneError,
      "is locked",
    );
    assertEquals(await first, [["a"]]);
  },

  "execute() keeps large first chunks for jobs in the queue": async (t) => {
    const held = t.pool.execute("blockAtGate", [t.gate.key]);
    await t.gate.arrived();
    const results = Array.from({ length: 5 }, (_, job) => {
      const { stream } = new Source((i) =>
        i < 3 ? new Uint8Array(1_000_000).fill(job * 3 + i) : undefined
      );
      return t.pool.execute("chunksOfAll", [stream]);
    });
    t.gate.open();
    for (const [job, result] of results.entries()) {
      const [chunks] = await result;
      const ends = chunks.map((chunk) => [chunk.length, chunk[999_999]]);
      assertEquals(ends, [0, 1, 2].map((i) => [1_000_000, job * 3 + i]));
    }
    await held;
  },

  "execute() returns a stream that is readable after close()": async (
    t,
  ) => {
    const pool = t.make();
    const stream = await pool.execute(
      (bytes: Uint8Array) => ReadableStream.from<unknown>([1, bytes, "a"]),
      [pattern(50_000)],
    );
    await pool.close();
    assertEquals(await chunksOf(stream), [1, pattern(50_000), "a"]);
  },
});

streamSuite("Chunks of streams", {
  "ReadableStream preserves the types of chunks": async ({ pool }) => {
    for (const [name, make] of Object.entries(CHUNKS)) {
      const chunks = ["before", make(), "after"];
      const expected = chunks.map(show);
      const passed = through(pool, ReadableStream.from(chunks));
      assertEquals((await chunksOf(await passed)).map(show), expected, name);
    }
  },

  "WritableStream preserves the types of chunks": async ({ pool }) => {
    for (const [name, make] of Object.entries(CHUNKS)) {
      const chunks = ["before", make(), "after"];
      const expected = chunks.map(show);
      const sink = new Sink();
      const writable = await through(pool, sink.stream);
      await ReadableStream.from(chunks).pipeTo(writable);
      assertEquals(sink.chunks.map(show), expected, name);
    }
  },

  ...rows(
    BYTES,
    (name) => `ReadableStream carries bytes of every size in ${name}`,
    async ({ pool }, make) => {
      for (const length of [1, 100, 8_191, 8_192, 8_193, 65_535, 65_536]) {
        const chunks = () => ReadableStream.from([make(length), make(length)]);
        const passed = await through(pool, chunks());
        assert(sameBytes(await bytesIn(passed), await bytesIn(chunks())));
      }
    },
  ),

  "Streams keep the order of chunks of random sizes and kinds": async (t) => {
    const random = randomOf(42);
    const bytes = pattern(2_000_000);
    const kinds = [
      (at: number, end: number) => bytes.slice(at, end),
      (at: number, end: number) => bytes.subarray(at, end),
      (at: number, end: number) => {
        const view = new Uint8Array(new SharedArrayBuffer(end - at));
        view.set(bytes.subarray(at, end));
        return view;
      },
      (at: number, end: number) => new DataView(bytes.slice(at, end).buffer),
      (at: number, end: number) => bytes.slice(at, end).buffer,
      (at: number, end: number) => new DataView(bytes.buffer, at, end - at),
    ];
    function source(): ReadableStream {
      let at = 0;
      return new Source(() => {
        if (at === bytes.length) return undefined;
        const size = Math.floor(2 ** (random() * 18)) - 1;
        const start = at;
        at = Math.min(bytes.length, at + size);
        return kinds[Math.floor(random() * kinds.length)](start, at);
      }).stream;
    }
    const passed = await through(t.pool, source());
    assert(sameBytes(await bytesIn(passed), bytes));
    const sink = new Sink();
    await source().pipeTo(await through(t.pool, sink.stream));
    assert(sameBytes(await join(sink.chunks), bytes));
  },

  "Streams move marked chunks, and copy all others": async (t) => {
    for (const length of [16, 8_191, LARGE]) {
      const chunks = () => [
        pattern(length),
        new Int16Array(length),
        new ArrayBuffer(length),
        { a: [pattern(length)] },
        part(length),
      ];
      await passAll(t.pool, async (pass) => {
        const [moved, kept] = [chunks(), chunks()];
        moved.forEach((chunk) => transfer(chunk));
        const arrived = await pass([...moved, ...kept]);
        assertEquals(arrived, [...chunks(), ...chunks()]);
        assertEquals(moved.map(isDetached), moved.map(() => true));
        assertEquals(kept.map(isDetached), kept.map(() => false));
      });
    }
  },

  "Streams move what the mark of a chunk names only once": async (t) => {
    for (const length of [16, LARGE]) {
      await passAll(t.pool, async (pass) => {
        const [kept, one, other] = [0, 1, 2].map(() => pattern(length));
        const chunks = [
          transfer(kept, []),
          transfer(pattern(length), [one.buffer]),
          transfer({ kept }, [other.buffer]),
        ];
        await pass(chunks);
        assertEquals([kept, one, other].map(isDetached), [false, true, true]);
        // If the marks were still set, this would be refused: their buffers have moved.
        assertEquals(await pass(chunks), chunks);
      });
    }
  },

  "Streams keep the resizable buffers of their chunks resizable": async (t) => {
    for (const length of [16, LARGE]) {
      const buffer = new ArrayBuffer(length, { maxByteLength: 2 * length });
      const chunks = [
        buffer,
        new Uint8Array(buffer),
        new Uint8Array(buffer, 1, 2),
        new DataView(buffer),
        { buffer },
      ];
      const isResizable = (value: unknown): boolean =>
        value instanceof ArrayBuffer
          ? value.resizable
          : isResizable((value as ArrayBufferView).buffer);
      await passAll(t.pool, async (pass) => {
        const arrived = await pass(chunks);
        assertEquals(arrived, chunks);
        assertEquals(arrived.map(isResizable), chunks.map(() => true));
      });
    }
  },

  "Streams do not detach Node's Buffers that are not marked": async (
    t,
  ) => {
    const buffers = [9, LARGE].map((length) => Buffer.alloc(length + 20, 1));
    const parts = buffers.map((buffer) => buffer.subarray(10, -10));
    const chunks = [...buffers, ...parts];
    const lengths = chunks.map(({ length }) => length);
    await bytesIn(await through(t.pool, ReadableStream.from(chunks)));
    const sink = await through(t.pool, new Sink().stream);
    await ReadableStream.from(chunks).pipeTo(sink);
    assertEquals(chunks.map(({ length }) => length), lengths);
  },

  "ReadableStream keeps chunks of the other branch of a tee()": async (t) => {
    const bytes = pattern(5 * LARGE);
    const chunks = [0, 1, 2, 3, 4].map((i) => {
      return bytes.slice(i * LARGE, (i + 1) * LARGE);
    });
    const [one, other] = ReadableStream.from(chunks).tee();
    const passed = await through(t.pool, one);
    assert(sameBytes(await bytesIn(passed), bytes));
    assert(sameBytes(await bytesIn(other), bytes));
  },

  "ReadableStream lets a source reuse memory of small chunks": async (t) => {
    const buffer = new Uint8Array(1_000);
    const words = new Uint32Array(100);
    const { stream } = new Source<Uint8Array | Uint32Array>((i) =>
      i === 600
        ? undefined
        : i % 2
        ? words.fill(i)
        : buffer.fill(i).subarray(0, 500)
    );
    const [chunks] = await t.pool.execute("chunksOfAll", [stream]);
    const last = chunks.map((chunk) => chunk[99]);
    assertEquals(
      last,
      Array.from({ length: 600 }, (_, i) => i % 2 ? i : i % 256),
    );
  },

  "Streams let a source reuse memory inside its chunks": async (
    t,
  ) => {
    for (const length of [4, 100_000]) {
      const bytes = new Uint8Array(length);
      const wraps: ((bytes: Uint8Array) => unknown)[] = [
        (bytes) => ({ bytes }),
        (bytes) => new Map([["bytes", bytes]]),
      ];
      const next = (i: number) =>
        i < 8 ? wraps[i % 2](bytes.fill(i)) : undefined;
      const filled = Array.from(
        { length: 8 },
        (_, i) => wraps[i % 2](new Uint8Array(length).fill(i)),
      );
      const [chunks] = await t.pool.execute("chunksOfAll", [
        new Source(next).stream,
      ]);
      assertEquals(chunks as unknown[], filled);
      const sink = new Sink();
      await new Source(next).stream.pipeTo(await through(t.pool, sink.stream));
      assertEquals(sink.chunks, filled);
    }
  },

  "ReadableStream sends a large chunk each time it is enqueued": async (t) => {
    const chunk = pattern(LARGE);
    const source = new Source((i) => i < 5 ? chunk : undefined);
    const bytes = await bytesIn(await through(t.pool, source.stream));
    assert(sameBytes(bytes.subarray(4 * LARGE), chunk));
    assertEquals(bytes.length, 5 * LARGE);
  },

  "ReadableStream fails at a chunk whose buffer is detached": async (t) => {
    const chunk = new Uint8Array(LARGE);
    chunk.buffer.transfer();
    const source = new Source(() => chunk);
    const reader = (await through(t.pool, source.stream)).getReader();
    await assertRejects(() => reader.read(), TypeError, "has lost its buffer");
    assertInstanceOf(await source.cancelled, TypeError);
  },

  ...rows(
    REFUSED,
    (name) => `ReadableStream alone fails at ${name} as a chunk`,
    async ({ pool }, [said, make]) => {
      const source = new Source((i) => i < 2 ? "fine" : make());
      const failing = await through(pool, source.stream);
      const other = await through(pool, ReadableStream.from([1]));
      const reader = failing.getReader();
      for (let i = 0; i < 2; i++) {
        assertEquals((await reader.read()).value, "fine");
      }
      const error = describe(await reader.read().catch((error) => error));
      assertStringIncludes(error, "JobCloneError: ");
      assertStringIncludes(error, said);
      assertEquals(await chunksOf(other), [1]);
      assertInstanceOf(await source.cancelled, JobCloneError);
    },
  ),

  "Streams of a job fail at chunks that cannot be sent": async ({ pool }) => {
    const sink = new Sink();
    const stream = await pool.execute((sink: WritableStream) => {
      const source = ReadableStream.from([1, () => {}]);
      const [one, other] = source.tee();
      one.pipeTo(sink).catch(() => {});
      return other;
    }, [sink.stream]);
    const reader = stream.getReader();
    assertEquals((await reader.read()).value, 1);
    const error = await assertRejects(() => reader.read(), Error, "chunk");
    const aborted = await sink.aborted as Error;
    assertEquals([error.name, aborted.name], Array(2).fill("JobCloneError"));
    assertEquals([sink.chunks, sink.isClosed], [[1], false]);
  },
});
