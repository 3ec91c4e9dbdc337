// `pool.stream()`: values that generators in workers yield. The files streams_* test
// streams that move.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  JobCloneError,
  JobNotFoundError,
  type JobStream,
  JobTimeoutError,
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as generators from "./fixtures/generators.ts";
import { Gate } from "./gate.ts";
import { KINDS, reasonOf } from "./kinds.ts";
import { poolOf, test } from "./pools.ts";
import { executeUntyped, streamUntyped } from "./untyped.ts";

type Pool = ThreadPool<typeof generators>;

const ALL_KINDS: Record<string, ThreadPoolOptions> = {
  ...KINDS,
  "thread with several jobs": { concurrency: 3 },
  "process with several jobs": { isolation: "process", concurrency: 3 },
};

function testEach(
  name: string,
  check: (make: (options?: ThreadPoolOptions) => Pool) => Promise<void>,
): void {
  for (const [kind, options] of Object.entries(ALL_KINDS)) {
    test(`${name}: ${kind}`, () => {
      // On a busy machine, a slow generator must not count as one that never ends.
      const patient = { abortGrace: 10_000, ...options };
      return check((more) => poolOf("generators", { ...patient, ...more }));
    });
  }
}

/** Reads up to `count` values. */
async function read<T>(stream: JobStream<T>, count: number): Promise<T[]> {
  const values: T[] = [];
  while (values.length < count) {
    const { done, value } = await stream.next();
    if (done) break;
    values.push(value);
  }
  return values;
}

/** Reads all values, and the error at their end. */
async function readAll(stream: JobStream<unknown>) {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    return { values, error };
  }
  return { values, error: undefined };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

testEach("stream() returns all values in order", async (make) => {
  await using pool = make();
  assertEquals(
    await Array.fromAsync(pool.stream("count", [5_000])),
    upTo(5_000),
  );
  assertEquals(await Array.fromAsync(pool.stream("countLater", [5])), upTo(5));
  assertEquals(await Array.fromAsync(pool.stream("count", [0])), []);
  const objects = upTo(500).map((i) => ({ i, text: `row ${i}`, list: [i] }));
  assertEquals(await Array.fromAsync(pool.stream("each", [objects])), objects);
  const mixed = [1, { a: 1 }, "x", null, [1], 2, 3, "y".repeat(1e5), {}, []];
  assertEquals(await Array.fromAsync(pool.stream("each", [mixed])), mixed);
});

testEach(
  "stream() runs an inline generator, synchronous or not",
  async (make) => {
    await using pool = make();
    const squares = pool.stream(function* (to: number) {
      for (let i = 0; i < to; i++) yield i * i;
    }, [4]);
    assertEquals(await Array.fromAsync(squares), [0, 1, 4, 9]);
    const later = pool.stream(async function* () {
      yield await Promise.resolve("a");
    });
    assertEquals(await Array.fromAsync(later), ["a"]);
  },
);

testEach(
  "stream() awaits promises that a synchronous generator yields",
  async (make) => {
    await using pool = make();
    const given: number[] = [];
    const failed = await assertRejects(async () => {
      const numbers = pool.stream(function* () {
        try {
          yield Promise.resolve(1);
          yield 2;
          yield Promise.reject(new RangeError("no third"));
        } finally {
          (globalThis as { hasEnded?: boolean }).hasEnded = true;
        }
      });
      for await (const number of numbers) given.push(number);
    }, RangeError);
    assertEquals(failed.message, "no third");
    assertEquals(given, [1, 2]);
    const hasEnded = () => (globalThis as { hasEnded?: boolean }).hasEnded;
    assertEquals(await pool.execute(hasEnded), true);
  },
);

testEach("stream() keeps values that only a clone keeps", async (make) => {
  await using pool = make();
  const values = await Array.fromAsync(pool.stream("special"));
  assertInstanceOf(values[5], RangeError);
  values[5] = "the error";
  assertEquals(
    values,
    [
      new Map([[1, new Set([2])]]),
      new Date(1),
      undefined,
      1n,
      NaN,
      "the error",
      { a: { b: [1] } },
      "text",
      new Float64Array([1.5]),
      // deno-lint-ignore no-sparse-arrays
      [,] as undefined[],
      -0,
    ],
  );
});

testEach("stream() copies each value when it is yielded", async (make) => {
  await using pool = make();
  for (const length of [16, 100_000]) {
    const values = await Array.fromAsync(pool.stream("reuse", [3, length]));
    const bytes = (i: number) => new Uint8Array(length).fill(i);
    assertEquals(
      values,
      [0, 1, 2].flatMap((i) => [
        { i },
        bytes(i),
        new Map([["bytes", bytes(i)]]),
      ]),
    );
    assert(values[0] !== values[3]);
  }
});

testEach("stream() moves marked values", async (make) => {
  await using pool = make();
  for (const length of [16, 100_000]) {
    const values = await Array.fromAsync(pool.stream("move", [20, length]));
    // The last buffer is detached in the worker.
    assertEquals(values.pop(), 0);
    assertEquals(
      values,
      upTo(20).map((i) => new Uint8Array(length).fill(i)),
    );
  }
});

testEach("stream() keeps resizable buffers resizable", async (make) => {
  await using pool = make();
  const views = pool.stream(function* () {
    const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
    yield new Uint8Array(buffer);
    yield new DataView(buffer);
  });
  for await (const { buffer } of views) assert(buffer.resizable);
});

testEach("stream() starts its job when it is first read", async (make) => {
  await using pool = make();
  const stream = pool.stream("count", [2]);
  const unread = pool.stream("count");
  await pool.execute("echo", [1]);
  assertEquals((await pool.execute("seen")).yielded, 0);
  assertEquals(await unread.return(), { done: true, value: undefined });
  assertEquals(await unread.next(), { done: true, value: undefined });
  assertEquals(await Array.fromAsync(stream), [0, 1]);
});

testEach(
  "stream(): leaving the loop runs the generator's finally and frees the worker",
  async (make) => {
    await using pool = make();
    const { pid } = await pool.execute("seen");
    for (const job of ["count", "countLater"] as const) {
      const before = await pool.execute("seen");
      for await (const i of pool.stream(job, [])) if (i === 3) break;
      assertEquals((await pool.execute("seen")).ended, before.ended + 1);
    }
    // A generator that waits is notified by its signal.
    const stream = pool.stream("stuck");
    assertEquals(await read(stream, 1), [1]);
    await stream.return();
    const { ended, pid: pidNow } = await pool.execute("seen");
    assertEquals([ended, pidNow], [3, pid]);
    assertEquals(pool.stats().aborted, 3);
  },
);

testEach(
  "stream() replaces a worker whose generator does not end when the loop exits",
  async (make) => {
    await using pool = make({ abortGrace: 20 });
    const stream = pool.stream("deaf");
    assertEquals(await read(stream, 1), [1]);
    await stream.return();
    assertEquals(await pool.execute("echo", [2]), 2);
  },
);

testEach("stream() pauses the generator of a slow reader", async (make) => {
  await using pool = make({ concurrency: 2 });
  /** Returns the number of yielded values once the generator has paused. */
  const settled = async () => {
    for (let last = -1;;) {
      const { yielded } = await pool.execute("seen");
      if (yielded === last) return yielded;
      last = yielded;
      await new Promise((done) => setTimeout(done, 30));
    }
  };
  const stream = pool.stream("count", [], { window: 16 });
  await read(stream, 1);
  const first = await settled();
  // A list that is being read still counts as in flight.
  assert(first <= 1 + 16, `${first} values for 1`);
  await read(stream, 99);
  const second = await settled();
  assert(second > 100 && second <= 100 + 16, `${second} values for 100`);
  await stream.return();

  const large = pool.stream("chunks", [256 * 1024]);
  await read(large, 1);
  const chunks = await settled() - second;
  assert(chunks <= 1 + 9, `${chunks} chunks of 256 KiB`);
  await large.return();

  const single = pool.stream("count", [], { window: 1 });
  await read(single, 3);
  const before = chunks + second;
  assert(await settled() - before <= 4, "more than one ahead");
  await single.return();
});

testEach(
  "stream(): a generator that computes lets the timers of its worker run",
  async (make) => {
    await using pool = make();
    const numbers = pool.stream(function* () {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      for (let i = 0; i < 100; i++) {
        for (const end = performance.now() + 1; performance.now() < end;);
        yield ticks;
      }
      clearInterval(timer);
    });
    // Timers run every 10 ms.
    const ticks = (await Array.fromAsync(numbers)).at(-1)!;
    assert(ticks >= 4, `${ticks} ticks`);
  },
);

testEach("stream() keeps values of all kinds in the window", async (make) => {
  await using pool = make();
  for (const window of [1, 3, 5_000]) {
    let i = 0;
    for await (const value of pool.stream("mix", [100], { window })) {
      const n = i >> 2;
      assertEquals(
        value,
        [n, { i: n }, new Map([[n, n]]), new Uint8Array(n)][i++ & 3],
      );
    }
    assertEquals(i, 400);
  }
});

testEach("stream() rejects after the values before the error", async (make) => {
  await using pool = make();
  const { values, error } = await readAll(pool.stream("failAfter", [3_000]));
  assertEquals(values, upTo(3_000));
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "at its place");
  assertStringIncludes(error.stack!, "failAfter");
});

testEach(
  "stream() returns the values of a worker that dies before WorkerCrashedError",
  async (make) => {
    await using pool = make();
    const { values, error } = await readAll(pool.stream("endWorkerAfter", [3]));
    assertEquals(values, [0, 1, 2]);
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(error.started, true);
    assertEquals(await Array.fromAsync(pool.stream("count", [2])), [0, 1]);
  },
);

testEach(
  "stream() ends at a value that cannot be cloned",
  async (make) => {
    await using pool = make();
    const { values, error } = await readAll(pool.stream("refuse"));
    assertEquals(values, [1]);
    assertInstanceOf(error, JobCloneError);
    assertStringIncludes(error.message, "value.a");
    assertEquals((await pool.execute("seen")).ended, 1);
  },
);

testEach(
  "stream(): an abort rejects next() with the reason and ends the generator",
  async (make) => {
    await using pool = make();
    const controller = new AbortController();
    const { signal } = controller;
    const stream = pool.stream("stuck", [], { signal });
    assertEquals(await read(stream, 1), [1]);
    const reason = new Error("enough");
    const waiting = reasonOf(stream.next());
    controller.abort(reason);
    assertEquals(await waiting, reason);
    assertEquals(await stream.next(), { done: true, value: undefined });
    assertEquals((await pool.execute("seen")).ended, 1);
    // Unread values are dropped.
    const other = new AbortController();
    const endless = pool.stream("count", [], other);
    await read(endless, 10);
    other.abort(reason);
    assertEquals(await reasonOf(endless.next()), reason);
    assertEquals((await pool.execute("seen")).ended, 2);
  },
);

testEach(
  "stream(): a timeout counts from the start of the generator, and ends it",
  async (make) => {
    await using pool = make();
    await pool.execute("echo", [1]);
    const stream = pool.stream("countLater", [], { timeout: 300 });
    const { values, error } = await readAll(stream);
    assert(values.length > 0);
    assertInstanceOf(error, JobTimeoutError);
    assertEquals((await pool.execute("seen")).ended, 1);
  },
);

testEach("stream() sends a value before the next is ready", async (make) => {
  await using pool = make();
  const door = new AbortController();
  const stream = pool.stream("around", [door.signal]);
  assertEquals(await read(stream, 1), ["before"]);
  door.abort();
  assertEquals(await read(stream, 2), ["after"]);
});

for (const options of [{}, { hardKill: true }, { concurrency: 3 }]) {
  test(`stream() sends a value while the generator computes the next value: ${JSON.stringify(options)}`, async () => {
    await using pool = poolOf<typeof generators>("generators", options);
    const gates = upTo(3).map(() => new Gate());
    const stream = pool.stream("block", [gates.map(({ key }) => key)]);
    for (const [i, gate] of gates.entries()) {
      assertEquals(await read(stream, 1), [i]);
      gate.open();
    }
    assertEquals(await read(stream, 1), []);
  });
}

testEach(
  "close() waits for a stream, and terminate() ends it",
  async (make) => {
    const pool = make();
    const stream = pool.stream("count", [20_000]);
    const late = pool.stream("count", [1]);
    await read(stream, 1);
    const closed = pool.close();
    assertInstanceOf(await reasonOf(late.next()), PoolClosedError);
    assertEquals((await Array.fromAsync(stream)).at(-1), 19_999);
    await closed;

    const other = make();
    const endless = other.stream("stuck");
    await read(endless, 1);
    const waiting = reasonOf(endless.next());
    await other.terminate("over");
    const error = await waiting;
    assertInstanceOf(error, PoolTerminatedError);
    assertEquals(error.cause, "over");
  },
);

testEach(
  "stream() refuses results that are not generators, and the worker continues",
  async (make) => {
    await using pool = make();
    const list = await readAll(streamUntyped(pool, "giveList"));
    assertInstanceOf(list.error, TypeError);
    assertEquals(
      list.error.message,
      'Job "giveList" cannot be streamed: expected a generator, got an array',
    );
    const rejected = await readAll(streamUntyped(pool, "rejectLater"));
    assertInstanceOf(rejected.error, RangeError);
    const missing = await readAll(streamUntyped(pool, "missing"));
    assertInstanceOf(missing.error, JobNotFoundError);
    assertStringIncludes(
      missing.error.message,
      "exports the generators around, block, chunks",
    );
    assertInstanceOf(
      await reasonOf(executeUntyped(pool, "count")),
      JobNotFoundError,
    );
    // A function can return a generator.
    assertEquals(await Array.fromAsync(pool.stream("giveGenerator")), [
      0,
      1,
      2,
    ]);
  },
);

testEach(
  "stream() answers concurrent calls of next() in order",
  async (make) => {
    await using pool = make();
    const stream = pool.stream("countLater", [3]);
    const all = await Promise.all(upTo(5).map(() => stream.next()));
    assertEquals(all.map(({ value }) => value), [
      0,
      1,
      2,
      undefined,
      undefined,
    ]);
    assertEquals(all.map(({ done }) => done), [
      false,
      false,
      false,
      true,
      true,
    ]);
  },
);

for (const kind of ["thread with several jobs", "process with several jobs"]) {
  const options = ALL_KINDS[kind];
  test(`stream(): generators of one worker interleave, each in its own job: ${kind}`, async () => {
    await using pool = poolOf<typeof generators>("generators", options);
    const door = new AbortController();
    const first = pool.stream("around", [door.signal]);
    await read(first, 1);
    const [a, b] = await Promise.all([
      Array.fromAsync(pool.stream("whoAmI", [20])),
      Array.fromAsync(pool.stream("whoAmI", [20])),
    ]);
    assertEquals([new Set(a).size, new Set(b).size], [1, 1]);
    assert(a[0] !== b[0]);
    door.abort();
    assertEquals(await read(first, 2), ["after"]);
    for (const job of ["count", "countLater"] as const) {
      const stream = pool.stream(job, []);
      await read(stream, 1);
      await stream.return();
      assertEquals(typeof await pool.execute("jobSeenInFinally"), "number");
    }
  });
}

test("stream() runs on the caller's thread if the queue is full, with caller-runs", async () => {
  const queue = { capacity: 0, whenFull: "caller-runs" } as const;
  await using pool = poolOf<typeof generators>("generators", { queue });
  const door = new AbortController();
  const busy = pool.stream("around", [door.signal]);
  await read(busy, 1);
  const here = pool.stream("count", [5_000]);
  assertEquals(await Array.fromAsync(here), upTo(5_000));
  for await (const i of pool.stream("count", [])) if (i === 9_999) break;
  door.abort();
  assertEquals(await read(busy, 2), ["after"]);
});

test("stream() works with ReadableStream.from()", async () => {
  await using pool = poolOf<typeof generators>("generators");
  const readable = ReadableStream.from(pool.stream("each", [["a", "b"]]));
  const text = await Array.fromAsync(
    readable.pipeThrough(new TextEncoderStream()),
  );
  assertEquals(text.length, 2);
  const reader = ReadableStream.from(pool.stream("count", [])).getReader();
  await reader.read();
  await reader.cancel();
  assertEquals((await pool.execute("seen")).ended, 1);
});

test("stream() ends when it is disposed", async () => {
  await using pool = poolOf<typeof generators>("generators");
  {
    await using stream = pool.stream("count", []);
    await read(stream, 5);
  }
  assertEquals((await pool.execute("seen")).ended, 1);
});

test("stream(): return() removes a queued job before it starts", async () => {
  await using pool = poolOf<typeof generators>("generators");
  const door = new AbortController();
  const busy = pool.stream("around", [door.signal]);
  await read(busy, 1);
  const queued = pool.stream("count", []);
  const next = queued.next();
  await queued.return();
  assertEquals(await next, { done: true, value: undefined });
  door.abort();
  assertEquals((await Array.fromAsync(busy)).length, 1);
  assertEquals((await pool.execute("seen")).yielded, 0);
});

test("stream() refuses an invalid call at once", async () => {
  await using pool = poolOf<typeof generators>("generators");
  assertThrows(
    () => streamUntyped(pool, "count", 5),
    TypeError,
    "write stream(",
  );
  assertThrows(() => streamUntyped(pool, 5), TypeError, "`job`");
  assertThrows(
    () => streamUntyped(pool, "count", [], { window: 0 }),
    RangeError,
    "`window`",
  );
  assertThrows(
    () => streamUntyped(pool, "count", [], { window: "1" }),
    TypeError,
    "`window`",
  );
  assertThrows(
    () => streamUntyped(pool, "count", [], { windw: 1 }),
    TypeError,
    "did you mean `window`?",
  );
  await using inline = new ThreadPool(1);
  assertThrows(() => streamUntyped(inline, "count"), JobNotFoundError);
  const generator = function* () {
    yield 1;
  };
  assertEquals(await Array.fromAsync(inline.stream(generator)), [1]);
  // execute() still refuses it.
  await assertRejects(
    () => executeUntyped(inline, generator),
    TypeError,
    "a generator",
  );
});
