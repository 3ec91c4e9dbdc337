// The chunks of streams: of every kind and size, in order, and each for itself.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError } from "@spindle/thread-pool";
import { Buffer } from "node:buffer";
import { poolTest } from "./live_workers.ts";
import { pattern, sameBytes } from "./sockets.ts";
import {
  bytesIn,
  chunksOf,
  join,
  show,
  Sink,
  Source,
  streamPool,
} from "./streams.ts";

const LARGE = 20_000;
const FAR = new RangeError("far");

/** A view of nothing but a part of a buffer. */
function part(length: number): Uint8Array<ArrayBuffer> {
  return pattern(length + 20).subarray(10, 10 + length);
}

function wasmMemory(): Uint8Array<ArrayBuffer> {
  const { buffer } = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(buffer as ArrayBuffer);
  bytes.set(pattern(bytes.length));
  return bytes;
}

function shared(length: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  bytes.set(pattern(length));
  return bytes;
}

function resizable(length: number): Uint8Array {
  const buffer = new ArrayBuffer(length, { maxByteLength: 2 * length });
  const bytes = new Uint8Array(buffer);
  bytes.set(pattern(length));
  return bytes;
}

/** Chunks of bytes, of which no more is kept than their bytes. */
const BYTES: Record<string, (length: number) => Uint8Array> = {
  "all of a buffer": pattern,
  "a part of a buffer": part,
  "node's Buffer": (length) => Buffer.from(pattern(length)),
  "shared memory": shared,
  "a resizable buffer": resizable,
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

poolTest("chunks arrive as what they are, there and back", async () => {
  await using pool = streamPool();
  for (const [name, make] of Object.entries(CHUNKS)) {
    const expected = [show("before"), show(make()), show("after")];
    const source = () => ReadableStream.from(["before", make(), "after"]);
    const seen = await pool.execute("showChunks", [source()]);
    assertEquals(seen, expected, name);
    const back = await chunksOf(await pool.execute("pass", [source()]));
    assertEquals(back.map(show), expected, name);
  }
});

poolTest(
  "chunks arrive as what they are in a stream that is written",
  async () => {
    await using pool = streamPool();
    for (const [name, make] of Object.entries(CHUNKS)) {
      const sink = new Sink();
      await pool.execute("write", [sink.stream, "before", make(), "after"]);
      assertEquals(
        sink.chunks.map(show),
        ["before", make(), "after"].map(show),
        name,
      );
      const writable = await pool.execute("giveWritable");
      await ReadableStream.from(["before", make(), "after"]).pipeTo(writable);
      const { chunks } = await pool.execute("lastWritten");
      assertEquals(chunks.map(show), sink.chunks.map(show), name);
    }
  },
);

for (const [name, make] of Object.entries(BYTES)) {
  poolTest(`bytes in ${name} arrive, in every size`, async () => {
    await using pool = streamPool();
    for (const length of [1, 100, 8_191, 8_192, 8_193, 65_535, 65_536]) {
      const chunks = () => ReadableStream.from([make(length), make(length)]);
      const expected = await bytesIn(chunks());
      assert(sameBytes(await pool.execute("bytesIn", [chunks()]), expected));
      const passed = await pool.execute("pass", [chunks()]);
      assert(sameBytes(await bytesIn(passed), expected), `${length} bytes`);
    }
  });
}

poolTest(
  "chunks of random sizes and kinds keep their order, there and back",
  async () => {
    await using pool = streamPool();
    const random = randomNumbers(42);
    const bytes = pattern(3_000_000);
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
    function source(): Source {
      let at = 0;
      return new Source(() => {
        if (at === bytes.length) return undefined;
        const size = Math.floor(2 ** (random() * 18)) - 1;
        const start = at;
        at = Math.min(bytes.length, at + size);
        return kinds[Math.floor(random() * kinds.length)](start, at);
      });
    }
    const read = await pool.execute("bytesIn", [source().stream]);
    assert(sameBytes(read, bytes));
    const passed = await pool.execute("pass", [source().stream]);
    assert(sameBytes(await bytesIn(passed), bytes));
    const writable = await pool.execute("giveWritable");
    await source().stream.pipeTo(writable);
    const { chunks } = await pool.execute("lastWritten");
    assert(sameBytes(await join(chunks), bytes));
  },
);

/** The same numbers from 0 to 1 each time. */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 0x80000000;
  };
}

poolTest(
  "large bytes that are all of their buffer move, all others stay",
  async () => {
    await using pool = streamPool();
    const moved = [
      pattern(8_192),
      new Int16Array(5_000),
      new ArrayBuffer(9_000),
    ];
    const kept = [
      pattern(8_191),
      part(LARGE),
      new ArrayBuffer(8_191),
      new Int16Array(6_000).subarray(1),
    ];
    await pool.execute("chunksOf", [ReadableStream.from([...moved, ...kept])]);
    const isDetached = (chunk: ArrayBuffer | ArrayBufferView) =>
      ((ArrayBuffer.isView(chunk) ? chunk.buffer : chunk) as ArrayBuffer)
        .detached;
    assertEquals(moved.map(isDetached), [true, true, true]);
    assertEquals(kept.map(isDetached), [false, false, false, false]);
  },
);

poolTest(
  "a source may use its buffer again at once for small chunks",
  async () => {
    await using pool = streamPool();
    const buffer = new Uint8Array(1_000);
    const words = new Uint32Array(100);
    const source = new Source((i) => {
      if (i === 600) return undefined;
      if (i % 2) return words.fill(i);
      return buffer.fill(i).subarray(0, 500);
    });
    const chunks = await pool.execute("chunksOf", [source.stream]);
    assertEquals(chunks.length, 600);
    for (const [i, chunk] of chunks.entries()) {
      assertEquals((chunk as Uint8Array)[99], i % 2 ? i : i % 256);
    }
  },
);

poolTest(
  "a large chunk that is sent twice is a TypeError of the stream",
  async () => {
    await using pool = streamPool();
    const chunk = new Uint8Array(LARGE);
    const source = new Source(() => chunk);
    const [error, chunks] = await pool.execute("failureOf", [source.stream]);
    assertStringIncludes(error, "TypeError TypeError: ");
    assertStringIncludes(error, "each can be sent once");
    assertEquals(chunks.length, 1);
    assertInstanceOf(await source.cancelled, TypeError);
  },
);

/** Chunks that cannot go, each with what the message is to say. */
const REFUSED: Record<string, [said: string, make: () => unknown]> = {
  "a function": ["a function", () => () => {}],
  "a symbol": ["Symbol(s)", () => Symbol("s")],
  "a promise": ["chunk.later", () => ({ later: Promise.resolve() })],
  "an instance without properties": ["chunk", () => new class {}()],
  "a URL": ["URL", () => ({ url: new URL("http://a") })],
  "a stream": ["ReadableStream", () => new ReadableStream()],
};

for (const [name, [said, make]] of Object.entries(REFUSED)) {
  poolTest(
    `${name} as a chunk is a JobCloneError of its stream alone`,
    async () => {
      await using pool = streamPool();
      const source = new Source((i) => i < 2 ? "fine" : make());
      const [[error, chunks], other] = await Promise.all([
        pool.execute("failureOf", [source.stream]),
        pool.execute("chunksOf", [ReadableStream.from([1])]),
      ]);
      assertStringIncludes(error, "JobCloneError: ");
      assertStringIncludes(error, said);
      assertEquals([chunks, other], [["fine", "fine"], [1]]);
      assertInstanceOf(await source.cancelled, JobCloneError);
    },
  );
}

poolTest(
  "a chunk that cannot be written errors its stream at both ends",
  async () => {
    await using pool = streamPool();
    const sink = new Sink();
    const name = await pool.execute(async (stream: WritableStream) => {
      const writer = stream.getWriter();
      await writer.write("fine");
      return await writer.write(() => {}).catch((error) => error.name);
    }, [sink.stream]);
    assertEquals(name, "JobCloneError");
    assertEquals((await sink.aborted as Error).name, "JobCloneError");
    assertEquals(sink.chunks, ["fine"]);
    assertFalse(sink.isClosed);
  },
);

poolTest(
  "a chunk that cannot be given errors the stream of a result",
  async () => {
    await using pool = streamPool();
    const stream = await pool.execute(() => ReadableStream.from([1, () => {}]));
    const reader = stream.getReader();
    assertEquals((await reader.read()).value, 1);
    const error = await assertRejects(() => reader.read(), Error, "chunk");
    assertEquals(error.name, "JobCloneError");
  },
);
