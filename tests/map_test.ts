// map() runs a job for each of many items.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  JobCloneError,
  JobNotFoundError,
  JobTimeoutError,
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  countedSignal,
  type JobPool,
  type Kind,
  KIND_NAMES,
  makePool,
  numbersTo,
  reasonOf,
  turns,
} from "./kinds.ts";
import { eachRow, test } from "./pools.ts";

/** Calls `pool.map(...args)` without type checks. */
function mapUntyped(
  pool: { map: unknown },
  ...args: unknown[]
): AsyncIterableIterator<unknown> {
  return Reflect.apply(pool.map as JobPool["map"], pool, args);
}

/** More items than any window holds. */
const MANY = 20_000;

/** Numbers from 0, with counts of how often the source was pulled and returned. */
function counted(count = Infinity) {
  const seen = { pulled: 0, returned: 0 };
  function* numbers() {
    try {
      for (let i = 0; i < count; i++) {
        seen.pulled++;
        yield i;
      }
    } finally {
      seen.returned++;
    }
  }
  async function* later() {
    yield* numbers();
  }
  return { seen, numbers, later };
}

/** Declares a test for each kind of worker, and with several jobs per worker. */
function testKinds(
  name: string,
  fn: (pool: JobPool, kind: Kind) => Promise<void>,
): void {
  for (const kind of KIND_NAMES) {
    test(`map() ${name} (${kind})`, async () => {
      await using pool = makePool({ size: 2 }, kind);
      await fn(pool, kind);
    });
  }
  test(`map() ${name} (concurrency)`, async () => {
    await using pool = makePool({ size: 2, concurrency: 4 });
    await fn(pool, "thread");
  });
}

testKinds("returns results in the order of the items", async (pool) => {
  const items = numbersTo(5_000);
  assertEquals(await Array.fromAsync(pool.map("echo", items)), items);
});

testKinds("returns a separate object for each item", async (pool) => {
  const shared = { deep: [1] };
  const items = numbersTo(500).map((i) => ({ i, shared }));
  const results = await Array.fromAsync(pool.map("echo", items));
  assertEquals(results, items);
  const parts = new Set(results.map((one) => (one as typeof items[0]).shared));
  assertEquals(parts.size, items.length);
});

testKinds(
  'reports each error in its place, and continues with onError: "collect"',
  async (pool) => {
    const job = (n: number) => {
      if (n % 100 === 99) throw new RangeError(`no ${n}`);
      return n;
    };
    const results = await Array.fromAsync(
      pool.map(job, numbersTo(2_000), { onError: "collect" }),
    );
    assertEquals(results.length, 2_000);
    results.forEach((result, n) => {
      if (n % 100 !== 99) {
        return assertEquals(result, { status: "fulfilled", value: n });
      }
      assert(result.status === "rejected");
      assertInstanceOf(result.reason, RangeError);
      assertEquals(result.reason.message, `no ${n}`);
    });
  },
);

testKinds(
  "ends at the first error, after all results before it",
  async (pool) => {
    const { seen, numbers } = counted();
    const job = (n: number) => {
      if (n >= 1_000) throw new RangeError(`no ${n}`);
      return n;
    };
    const results: number[] = [];
    const error = await assertRejects(async () => {
      for await (const n of pool.map(job, numbers())) results.push(n);
    }, RangeError);
    assertEquals(error.message, "no 1000");
    assertEquals(results, numbersTo(1_000));
    assertEquals(seen.returned, 1);
  },
);

testKinds(
  "aborts running jobs and returns the source when the loop exits",
  async (pool, kind) => {
    const { seen, later } = counted();
    let started = 0;
    pool.addEventListener("jobstart", () => started++);
    // The first item ends; all others wait forever.
    const job = (n: number) => n === 0 ? n : new Promise<number>(() => {});
    for await (const n of pool.map(job, later())) {
      assertEquals(n, 0);
      break;
    }
    assertEquals(seen.returned, 1);
    // No job is left that would delay drain().
    await pool.drain();
    assert(kind !== "thread" || started > 0);
  },
);

test("map() pulls no item before the first next()", async () => {
  await using pool = makePool();
  const { seen, numbers } = counted();
  const results = pool.map("echo", numbers());
  await turns();
  assertEquals(seen.pulled, 0);
  await results.next();
  await results.return!();
});

test("map() pulls no more items than its window until results are read", async () => {
  await using pool = makePool({ size: 2 });
  await eachRow({ one: 1, some: 7, many: 5_000 }, async (window) => {
    const { seen, numbers } = counted();
    const results = pool.map("echo", numbers(), { window });
    await results.next();
    for (let i = 0; i < 20; i++) await turns();
    // One result was read.
    assertLessOrEqual(seen.pulled, window + 1);
    for (let i = 0; i < 100; i++) await results.next();
    assertLessOrEqual(seen.pulled, window + 101);
    await results.return!();
  });
});

test("map() holds few items if items take long", async () => {
  await using pool = makePool({ size: 2 });
  using first = new Gate();
  using gate = new Gate();
  const { seen, numbers } = counted(1_000);
  function* keys() {
    for (const i of numbers()) yield i === 0 ? first.key : gate.key;
  }
  const results = pool.map("passGate", keys());
  const result = results.next();
  await first.arrived();
  await new Promise((done) => setTimeout(done, 10)); // so the item is not quick
  first.open();
  await result;
  await gate.arrived(2);
  assertEquals(seen.pulled, 1 + 4);
  gate.open();
  await results.return!();
});

test("map() holds no more large items than the pool has workers", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  let pulled = 0;
  function* items() {
    for (;; pulled++) yield { key: gate.key, bytes: new Uint8Array(1 << 24) };
  }
  const job = ({ key }: { key: SharedArrayBuffer }) => {
    const words = new Int32Array(key);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    Atomics.wait(words, 1, 0);
  };
  const results = pool.map(job, items(), { window: 100 });
  const first = results.next();
  await gate.arrived(2);
  await turns();
  assertLessOrEqual(pulled, 2);
  gate.open();
  await first;
  await results.return!();
});

test("map() limits unread results by their bytes", async () => {
  await using pool = makePool({ size: 1 });
  let pulled = 0;
  function* items() {
    for (;; yield 1 << 24) pulled++;
  }
  const results = pool.map("bytes", items(), { window: 20 });
  for (let read = 1; read <= 10; read++) {
    await results.next();
    await pool.drain();
    await turns();
    assertLessOrEqual(pulled, read + 2);
  }
  await results.return!();
});

test("map() sends an item of a slow source without waiting for more items", async () => {
  await using pool = makePool();
  const items = new TransformStream<number, number>();
  const writer = items.writable.getWriter();
  const results = pool.map("echo", items.readable);
  // Quick items, so that later items share jobs.
  const warm = (async () => {
    for (const i of numbersTo(2_000)) await writer.write(i);
  })();
  for (const i of numbersTo(2_000)) {
    assertEquals((await results.next()).value, i);
  }
  await warm;
  for (const i of numbersTo(5)) {
    const result = results.next();
    await writer.write(i);
    assertEquals((await result).value, i);
  }
  await writer.close();
  assertEquals((await results.next()).done, true);
});

test("map() lets small items share jobs", async () => {
  await using pool = makePool();
  await Array.fromAsync(pool.map("echo", numbersTo(MANY)));
  assertLessOrEqual(pool.stats().completed, MANY / 10);
});

test("map() runs each item once, and runs items behind a long item on another worker", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const ran: number[] = [];
  const items = numbersTo(3_000).map((i) => ({
    i,
    key: i === 2_000 ? gate.key : undefined,
  }));
  const job = ({ i, key }: { i: number; key?: SharedArrayBuffer }) => {
    if (key) {
      const words = new Int32Array(key);
      Atomics.add(words, 0, 1);
      Atomics.notify(words, 0);
      Atomics.wait(words, 1, 0);
    }
    return i;
  };
  const all = (async () => {
    for await (
      const i of pool.map(job, items, { ordered: false, window: 9_000 })
    ) {
      ran.push(i);
    }
  })();
  await gate.arrived();
  // Meanwhile all other items end, except the items of one shared job.
  while (ran.length < 2_400) await turns();
  gate.open();
  await all;
  assertEquals(ran.toSorted((a, b) => a - b), numbersTo(3_000));
});

test("map() returns results as they arrive with ordered: false", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const job = async (key?: SharedArrayBuffer) => {
    if (!key) return "quick";
    const words = new Int32Array(key);
    Atomics.add(words, 0, 1);
    await Atomics.waitAsync(words, 1, 0).value;
    return "slow";
  };
  const items = [gate.key, undefined, undefined];
  const results: string[] = [];
  for await (const result of pool.map(job, items, { ordered: false })) {
    results.push(result);
    if (results.length === 2) gate.open();
  }
  assertEquals(results, ["quick", "quick", "slow"]);
});

test("map() reports an error at once with ordered: false", async () => {
  await using pool = makePool({ size: 2 });
  const job = (n: number) => {
    if (n === 1) throw new RangeError("failed");
    return new Promise<void>(() => {});
  };
  await assertRejects(
    () => Array.fromAsync(pool.map(job, [0, 1, 2], { ordered: false })),
    RangeError,
  );
  await pool.drain();
});

test("map() aborts items after an error at once, and waits for the items before it", async () => {
  await using pool = makePool({ size: 3 });
  using gate = new Gate();
  const job = async ([n, key]: [number, SharedArrayBuffer]) => {
    if (n === 1) throw new RangeError("failed");
    const words = new Int32Array(key);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    await Atomics.waitAsync(words, 1, 0).value;
    return n;
  };
  let aborted = 0;
  pool.addEventListener("jobend", ({ detail }) => {
    if (detail.error instanceof RangeError) aborted++;
  });
  const items = [0, 1, 2].map((
    n,
  ): [number, SharedArrayBuffer] => [n, gate.key]);
  const results = pool.map(job, items);
  const first = results.next();
  await gate.arrived();
  // The item that fails, and the item after it.
  while (aborted < 2) await turns();
  gate.open();
  assertEquals((await first).value, 0);
  await assertRejects(() => results.next(), RangeError);
  assertEquals(await results.next(), { done: true, value: undefined });
});

test("map() accepts any iterable and awaits promises", async () => {
  await using pool = makePool();
  const items = [1, 2, 3];
  await eachRow<MapItems>({
    array: items,
    set: new Set(items),
    generator: counted(4).numbers().drop(1),
    "async generator": (async function* () {
      yield* items;
    })(),
    promises: items.map((item) => Promise.resolve(item)),
    stream: ReadableStream.from(items),
    "iterator without return()": {
      [Symbol.iterator]: () => {
        let i = 0;
        return { next: () => ({ done: i === 3, value: ++i }) };
      },
    },
  }, async (source) => {
    assertEquals(await Array.fromAsync(pool.map("echo", source)), items);
  });
  assertEquals(await Array.fromAsync(pool.map("echo", [])), []);
});

type MapItems = Parameters<JobPool["map"]>[1];

test("map() rejects with the error of its source, after the results before it", async () => {
  await using pool = makePool();
  const error = new RangeError("no more");
  const rejected = Promise.reject(error);
  rejected.catch(() => {});
  function* broken() {
    yield 1;
    yield 2;
    throw error;
  }
  await eachRow<() => MapItems>({
    generator: broken,
    "async generator": async function* () {
      yield* broken();
    },
    promises: () => [1, 2, rejected],
    stream: () => ReadableStream.from(broken()),
  }, async (source) => {
    const results: unknown[] = [];
    const caught = await reasonOf((async () => {
      const options = { onError: "collect" } as const;
      for await (const one of pool.map("echo", source(), options)) {
        assert(one.status === "fulfilled");
        results.push(one.value);
      }
    })());
    assertStrictEquals(caught, error);
    assertEquals(results, [1, 2]);
  });
});

test("map() rejects if its source breaks the iterator protocol", async () => {
  await using pool = makePool();
  for (const step of [undefined, null, 5]) {
    const now = { [Symbol.iterator]: () => ({ next: () => step }) };
    const later = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(step) }),
    };
    for (const items of [now, later]) {
      const results = mapUntyped(pool, "echo", items);
      assertInstanceOf(await reasonOf(results.next()), TypeError);
    }
  }
});

test("map() cancels a source stream with the reason, even while it waits for an item", async () => {
  await using pool = makePool();
  const canceled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(1),
    cancel: (reason) => canceled.resolve(reason),
  });
  for await (const _ of pool.map("echo", stream)) break;
  const reason = await canceled.promise;
  assertEquals((reason as DOMException).name, "AbortError");
  assert(!stream.locked);
});

test("map() exits the loop even if its source never resolves", async () => {
  await using pool = makePool();
  async function* source() {
    yield 1;
    await new Promise(() => {});
  }
  for await (const _ of pool.map("echo", source())) break;
});

test("map() waits for the source to return, and rejects with its error if there is no other error", async () => {
  await using pool = makePool({ size: 1 });
  const log: string[] = [];
  async function* source() {
    try {
      for (;;) yield 1;
    } finally {
      await turns();
      log.push("returned");
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("at the end");
    }
  }
  await assertRejects(async () => {
    for await (const _ of pool.map("echo", source(), { window: 2 })) break;
  }, RangeError);
  await assertRejects(async () => {
    await Array.fromAsync(
      pool.map(() => JSON.parse("?"), source(), { window: 2 }),
    );
  }, SyntaxError);
  assertEquals(log, ["returned", "returned"]);
});

testKinds(
  "rejects with the reason when its signal aborts, and returns the source",
  async (pool) => {
    const { seen, numbers } = counted();
    const { controller, signal, listeners } = countedSignal();
    const results = pool.map(() => new Promise(() => {}), numbers(), {
      signal,
    });
    const first = results.next();
    while (pool.stats().running === 0) await turns();
    controller.abort("enough");
    assertEquals(await reasonOf(first), "enough");
    assertEquals(seen.returned, 1);
    assertEquals(listeners.size, 0);
    assertEquals((await results.next()).done, true);
    await pool.drain();
  },
);

test("map() rejects at once with an aborted signal, and pulls nothing", async () => {
  await using pool = makePool();
  const { seen, numbers } = counted();
  const signal = AbortSignal.abort("before");
  const results = pool.map("echo", numbers(), { signal });
  assertEquals(await reasonOf(results.next()), "before");
  assertEquals(seen.pulled, 0);
});

test("map() leaves no listener on its signal", async () => {
  await using pool = makePool();
  const { signal, listeners } = countedSignal();
  await Array.fromAsync(pool.map("echo", [1, 2], { signal }));
  for await (const _ of pool.map("echo", [1, 2], { signal })) break;
  await reasonOf(Array.fromAsync(pool.map("fail", [1], { signal })));
  assertEquals(listeners.size, 0);
});

testKinds(
  "rejects with PoolClosedError after the results of started items, and returns the source",
  async (pool) => {
    const { seen, later } = counted();
    const results = pool.map("echo", later());
    const given = [(await results.next()).value];
    const closed = pool.close();
    const error = await reasonOf((async () => {
      for await (const n of results) given.push(n);
    })());
    assertInstanceOf(error, PoolClosedError);
    assertEquals(given, numbersTo(given.length));
    assertEquals(seen.returned, 1);
    await closed;
  },
);

test("map() rejects when the pool is closed while its source waits", async () => {
  await using pool = makePool();
  const never = new ReadableStream();
  const first = pool.map("echo", never).next();
  await turns();
  pool.close();
  assertInstanceOf(await reasonOf(first), PoolClosedError);
  const late = pool.map("echo", [1]).next();
  assertInstanceOf(await reasonOf(late), PoolClosedError);
});

testKinds(
  'rejects with PoolTerminatedError even with onError: "collect"',
  async (pool) => {
    const { seen, numbers } = counted();
    const job = () => new Promise(() => {});
    const options = { onError: "collect" } as const;
    const first = pool.map(job, numbers(), options).next();
    while (pool.stats().running === 0) await turns();
    pool.terminate("enough");
    const error = await reasonOf(first);
    assertInstanceOf(error, PoolTerminatedError);
    assertEquals(error.cause, "enough");
    assertEquals(seen.returned, 1);
  },
);

test("map() waits for room in the queue, and never finds it full", async () => {
  for (
    const whenFull of [
      "wait",
      "reject",
      "discard-oldest",
      "caller-runs",
    ] as const
  ) {
    await using pool = makePool({ size: 1, queue: { capacity: 1, whenFull } });
    const maps = [1, 2, 3].map((n) =>
      Array.fromAsync(
        pool.map((i: number) => i * 2, counted(2_000).later(), {
          window: 10 * n,
        }),
      )
    );
    for (const results of await Promise.all(maps)) {
      assertEquals(results, numbersTo(2_000).map((n) => 2 * n));
    }
  }
});

test("map() continues when a full queue has room again", async () => {
  const queue = { capacity: 0, whenFull: "reject" } as const;
  await using pool = makePool({ size: 1, queue });
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  const results = Array.fromAsync(pool.map("echo", [1, 2, 3]));
  await turns();
  gate.open();
  await held;
  assertEquals(await results, [1, 2, 3]);
});

test("map() moves marked values and streams", async () => {
  await using pool = makePool();
  const buffers = numbersTo(20).map((n) => new Uint8Array(1_000).fill(n));
  const marked = buffers.map((buffer) => transfer(buffer));
  const sums = await Array.fromAsync(pool.map("sum", marked));
  assertEquals(sums, numbersTo(20).map((n) => 1_000 * n));
  assert(buffers.every(({ length }) => length === 0));
  const streams = numbersTo(20).map((n) =>
    ReadableStream.from([new Uint8Array(n)])
  );
  assertEquals(await Array.fromAsync(pool.map("read", streams)), numbersTo(20));
});

test("map() returns results of every kind", async () => {
  await using pool = makePool({ size: 2 });
  const job = (n: number) => {
    switch (n % 6) {
      case 1:
        return { n };
      case 2:
        return new Map([[n, n]]);
      case 3:
        return new Uint8Array([n]);
      case 4:
        return undefined;
      case 5:
        return -0;
    }
    return `${n}`;
  };
  const results = await Array.fromAsync(pool.map(job, numbersTo(1_000)));
  assertEquals(results, numbersTo(1_000).map(job));
  assert(Object.is(results[5], -0));
});

test("map() shares no object between results", async () => {
  await using pool = makePool();
  const job = (n: number) => {
    const scope = globalThis as { kept?: object };
    return n < 500 ? { n } : (scope.kept ??= { n: 500 });
  };
  const results = await Array.fromAsync(pool.map(job, numbersTo(1_000)));
  assertEquals(new Set(results).size, 1_000);
});

test("map() rejects only the item that cannot be cloned, or whose result cannot be cloned", async () => {
  await using pool = makePool();
  const items = numbersTo(1_000).map((n) => n === 700 ? () => n : n);
  const options = { onError: "collect" } as const;
  const failed = (await Array.fromAsync(pool.map("echo", items, options)))
    .flatMap((result, n) =>
      result.status === "rejected" ? [[n, result.reason]] : []
    );
  assertEquals(failed.map(([n]) => n), [700]);
  assertInstanceOf(failed[0][1], JobCloneError);
  const job = (n: number) => n === 700 ? () => n : n;
  const results = await Array.fromAsync(
    pool.map(job, numbersTo(1_000), options),
  );
  const reasons = results.flatMap((result, n) =>
    result.status === "rejected" ? [[n, result.reason]] : []
  );
  assertEquals(reasons.map(([n]) => n), [700]);
  assertInstanceOf(reasons[0][1], JobCloneError);
});

test("map() applies the timeout to each item", async () => {
  await using pool = makePool({ size: 2 });
  const job = (n: number) => {
    if (n === 500) { for (;;); }
    return n;
  };
  const options = { timeout: 200, onError: "collect" } as const;
  const results = await Array.fromAsync(
    pool.map(job, numbersTo(1_000), options),
  );
  const failed = results.flatMap((result, n) =>
    result.status === "rejected" ? [[n, result.reason]] : []
  );
  assertEquals(failed.map(([n]) => n), [500]);
  assertInstanceOf(failed[0][1], JobTimeoutError);
});

testKinds(
  'continues on another worker when a worker dies, with onError: "collect"',
  async (pool) => {
    const items = numbersTo(2_000);
    const job = (n: number) => {
      if (n === 1_000) Deno.exit(1);
      return n;
    };
    const options = { onError: "collect" } as const;
    const results = await Array.fromAsync(pool.map(job, items, options));
    assertEquals(results.length, items.length);
    const last = results.findLast(({ status }) => status === "rejected");
    assert(last?.status === "rejected");
    assertInstanceOf(last.reason, WorkerCrashedError);
    assertEquals(results[1_000].status, "rejected");
    results.forEach((result, n) => {
      if (result.status === "fulfilled") assertEquals(result.value, n);
    });
  },
);

test("map() loses only the item that crashes its worker if items do not share jobs", async () => {
  await using pool = makePool({ size: 2, maxJobsPerWorker: 100 });
  const job = (n: number) => {
    if (n === 300) Deno.exit(1);
    return n;
  };
  const options = { onError: "collect" } as const;
  const results = await Array.fromAsync(pool.map(job, numbersTo(600), options));
  const failed = numbersTo(600).filter((n) => results[n].status === "rejected");
  assertEquals(failed, [300]);
});

test("map() answers calls of next() in order", async () => {
  await using pool = makePool({ size: 2 });
  const results = pool.map("echo", numbersTo(100));
  const reads = await Promise.all(numbersTo(102).map(() => results.next()));
  assertEquals(reads.slice(0, 100).map(({ value }) => value), numbersTo(100));
  assertEquals(
    reads.slice(100),
    [0, 1].map(() => ({ done: true, value: undefined })),
  );
});

test("map() ends pending next() calls when return() is called", async () => {
  await using pool = makePool();
  const results = pool.map(() => new Promise(() => {}), [1, 2]);
  const first = results.next();
  const second = results.next();
  await turns();
  await results.return!();
  assertEquals([(await first).done, (await second).done], [true, true]);
  await pool.drain();
});

test("map() refuses an unknown job and values that are not jobs", async () => {
  await using pool = makePool();
  await assertRejects(
    () => Array.fromAsync(mapUntyped(pool, "nothingSo", [1])),
    JobNotFoundError,
  );
  assertThrows(() => mapUntyped(pool, 42, [1]), TypeError, "`job`");
  assertThrows(() => mapUntyped(pool, class {}, [1]), TypeError, "a class");
  await using inline = new ThreadPool(1);
  assertThrows(() => mapUntyped(inline, "echo", [1]), JobNotFoundError);
});

test("map() refuses invalid items and options by name", async () => {
  await using pool = makePool();
  await eachRow({
    number: 42,
    text: "abc",
    object: {},
    nothing: undefined,
  }, (items) => {
    assertThrows(() => mapUntyped(pool, "echo", items), TypeError, "`items`");
  });
  await eachRow<[unknown, typeof TypeError | typeof RangeError, string]>({
    window: [{ window: 0 }, RangeError, "`window`"],
    part: [{ window: 1.5 }, RangeError, "`window`"],
    order: [{ ordered: 1 }, TypeError, "`ordered`"],
    mode: [{ onError: "ignore" }, RangeError, "`onError`"],
    signal: [{ signal: 1 }, TypeError, "`signal`"],
    timeout: [{ timeout: -1 }, RangeError, "`timeout`"],
    transfer: [{ transfer: [] }, TypeError, "transfer(item)"],
    unknown: [{ windows: 1 }, TypeError, "did you mean `window`"],
  }, ([options, Class, message]) => {
    assertThrows(
      () => mapUntyped(pool, "echo", [1], options),
      Class,
      message,
    );
  });
});

test("map() appends the caller's stack to an item's error with callerStack", async () => {
  await using pool = makePool({ callerStack: true });
  const mapHere = () => Array.fromAsync(pool.map("fail", [1]));
  const error = await assertRejects(mapHere, RangeError);
  assert(error.stack!.includes("mapHere"));
  assert(!error.stack!.includes("maps.ts"));
});

test("map() explains a captured variable in an inline job, even if items share a job", async () => {
  await using pool = makePool();
  const captured = 1;
  const job = (n: number) => n < 500 ? n : n + captured;
  const error = await assertRejects(
    () => Array.fromAsync(pool.map(job, numbersTo(1_000))),
    ReferenceError,
  );
  assert(error.message.includes("cannot capture"));
});

test("map() returns its remaining results when the pool closes after the last item was pulled", async () => {
  await using pool = makePool();
  const results = pool.map("echo", [1, 2, 3], { window: 10 });
  assertEquals((await results.next()).value, 1);
  await pool.drain();
  await pool.close();
  assertEquals(await Array.fromAsync(results), [2, 3]);
});

test("map() runs each item once if items that move could not share a job", async () => {
  await using pool = makePool();
  // Quick items first, so that later items would share jobs.
  async function* requests() {
    for (let i = 0; i < 200; i++) yield i;
    for (let i = 0; i < 20; i++) {
      await Promise.resolve();
      yield new Request("http://a.test/", { method: "POST", body: String(i) });
    }
  }
  const read = async (item: number | Request, more?: unknown) => {
    const value = typeof item === "number" ? -1 : Number(await item.text());
    return [value, more];
  };
  const results = await Array.fromAsync(pool.map(read, requests()));
  const expected = [...Array(200).fill(-1), ...numbersTo(20)];
  assertEquals(results, expected.map((value) => [value, undefined]));
});

test("map() reports thousands of refused items", async () => {
  await using pool = makePool();
  const count = 20_000;
  const items = numbersTo(count).map(() => () => {});
  const results = await Array.fromAsync(
    pool.map("echo", items, { window: count, onError: "collect" }),
  );
  const reasons = results.map((one) => {
    return one.status === "rejected" ? one.reason.name : "";
  });
  assertEquals([...new Set(reasons)], ["JobCloneError"]);
});

test("map() releases streams in results that are not read", async () => {
  await using pool = new ThreadPool(2);
  const open = () => {
    return new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
    });
  };
  for await (const stream of pool.map(open, numbersTo(10))) {
    await stream.cancel();
    break;
  }
  await pool.drain();
  const stop = new AbortController();
  const map = pool.map(open, numbersTo(10), { signal: stop.signal });
  await (await map.next()).value!.cancel();
  stop.abort(new Error("enough"));
  await assertRejects(() => map.next(), Error, "enough");
});

test("map() holds few large results even if earlier results were small", async () => {
  const made = new Int32Array(new SharedArrayBuffer(4));
  await using pool = makePool({ size: 2, workerData: made });
  const map = pool.map("largeFrom5000", counted().numbers(), { window: 4_000 });
  while (typeof (await map.next()).value === "number");
  await pool.drain();
  // 17 results are 16 MiB, plus one result of each job in flight.
  assertLess(Atomics.load(made, 0), 30);
  await map.return!();
});

test("map() holds few results of unknown size, with any window", async () => {
  await using pool = new ThreadPool(2);
  const give = (i: number) => "x".repeat(1_000_000) + i;
  const { seen, numbers } = counted(500);
  const map = pool.map(give, numbers(), { window: 400 });
  const first = map.next();
  // Two for each job that can run, until the size of a result is known.
  assertEquals(seen.pulled, 4);
  assertEquals((await first).value!.length, 1_000_001);
  await pool.drain();
  assertLessOrEqual(pool.stats().completed, 50);
  for await (const result of map) assert(result.length >= 1_000_001);
  assertEquals(pool.stats().completed, 500);
});

test("map() yields to the event loop while a synchronous source is slow", async () => {
  await using pool = new ThreadPool(1);
  let inTurn = 0;
  let most = 0;
  function* source() {
    yield* numbersTo(MANY); // so quick that many share a job
    const timer = setInterval(() => inTurn = 0);
    for (const i of numbersTo(400)) {
      for (const end = performance.now() + 1; performance.now() < end;);
      most = Math.max(most, ++inTurn);
      yield MANY + i;
    }
    clearInterval(timer);
  }
  const results = await Array.fromAsync(pool.map((i: number) => i, source()));
  assertEquals(results, numbersTo(MANY + 400));
  assertLess(most, 100);
});

test("map() unlocks a stream that it has read to the end", async () => {
  await using pool = new ThreadPool(1);
  const stream = ReadableStream.from([1, 2]);
  await Array.fromAsync(pool.map((n: number) => n, stream));
  assertEquals(stream.locked, false);
});

test("map() rejects with an item's error even if its source throws on return()", async () => {
  await using pool = new ThreadPool(1);
  const source = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: Promise.reject(new Error("item")) }),
      return(): never {
        throw new Error("return");
      },
    }),
  };
  const items = source as Iterable<Promise<number>>;
  await assertRejects(
    () => Array.fromAsync(pool.map((n: number) => n, items)),
    Error,
    "item",
  );
});

test("map() removes its abort listener once its last result is read, even without a final next()", async () => {
  await using pool = makePool();
  const { signal, listeners } = countedSignal();
  const results = pool.map("echo", [1, 2], { signal });
  const read = async () => (await results.next()).value;
  assertEquals([await read(), await read()], [1, 2]);
  assertEquals(listeners.size, 0);
});
