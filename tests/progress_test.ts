// Progress: values that jobs pass to `currentJob().report()` and callers receive.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobCloneError,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import type * as jobs from "./fixtures/progress.ts";
import { KINDS, reasonOf } from "./kinds.ts";
import { poolOf, test } from "./pools.ts";
import { executeUntyped } from "./untyped.ts";

type Pool = ThreadPool<typeof jobs>;

const ALL_KINDS: Record<string, ThreadPoolOptions> = {
  ...KINDS,
  "thread with several jobs": { concurrency: 3 },
  "process with several jobs": { isolation: "process", concurrency: 3 },
};

function testEach(name: string, check: (pool: Pool) => Promise<void>): void {
  for (const [kind, options] of Object.entries(ALL_KINDS)) {
    test(`${name}: ${kind}`, async () => {
      await using pool = poolOf<typeof jobs>("progress", {
        abortGrace: 10_000,
        ...options,
      });
      await check(pool);
    });
  }
}

/** Returns a listener that records its values. */
function listener<T>() {
  const heard: T[] = [];
  const waiting: [count: number, resolve: () => void][] = [];
  const onProgress = (value: unknown) => {
    heard.push(value as T);
    for (const [count, resolve] of waiting) {
      if (heard.length >= count) resolve();
    }
  };
  /** Resolves once `count` values have arrived. */
  const has = (count: number) =>
    new Promise<void>((resolve) => {
      if (heard.length >= count) resolve();
      else waiting.push([count, resolve]);
    });
  return { heard, onProgress, has };
}

testEach(
  "onProgress receives the last value before the promise settles",
  async (pool) => {
    for (const count of [1, 2, 1_000]) {
      const { heard, onProgress } = listener<number>();
      assertEquals(
        await pool.execute("countTo", [count], { onProgress }),
        count,
      );
      assertEquals(heard.at(-1), count);
      assertEquals(heard, heard.toSorted((a, b) => a - b));
    }
    const { heard, onProgress } = listener();
    const failed = pool.execute("failAfterReport", [], { onProgress });
    assertInstanceOf(await reasonOf(failed), RangeError);
    assertEquals(heard, [{ last: true }]);
  },
);

testEach(
  "onProgress receives the latest value of a job that waits",
  async (pool) => {
    const { heard, onProgress, has } = listener<string>();
    const door = new AbortController();
    const job = pool.execute("around", [door.signal], { onProgress });
    await has(1);
    if (heard.at(-1) !== "before") await has(2);
    assertEquals(heard.at(-1), "before");
    door.abort();
    assertEquals(await job, "done");
    assertEquals(heard.at(-1), "after");
  },
);

testEach("onProgress is called for a job that never pauses", async (pool) => {
  const { heard, onProgress, has } = listener<{ i: number }>();
  const job = pool.execute("busy", [300], { onProgress });
  let isOver = false;
  job.then(() => isOver = true);
  await has(2);
  assertEquals(isOver, false);
  const count = await job;
  assertEquals(heard.at(-1), { i: count });
});

testEach("report() sends few messages for a million values", async (pool) => {
  const { heard, onProgress } = listener<number>();
  const start = performance.now();
  await pool.execute("countTo", [1_000_000], { onProgress });
  const most = (performance.now() - start) / 20 + 2;
  assert(heard.length <= most, `${heard.length} calls, expected ${most}`);
  assertEquals(heard.at(-1), 1_000_000);
});

testEach("report() copies its value at once", async (pool) => {
  const { heard, onProgress } = listener();
  await pool.execute("change", [], { onProgress });
  const [object, map] = [{ list: [1] }, new Map([["list", [1]]])];
  const isMap = (value: unknown) => value instanceof Map;
  for (const value of heard) {
    assertEquals(value, isMap(value) ? map : object);
  }
  assertEquals(new Set(heard.map(isMap)).size, 2);
});

testEach(
  "report() throws JobCloneError in the handler for a value that cannot be cloned",
  async (pool) => {
    const { heard, onProgress } = listener();
    const message = await pool.execute("reportFunction", [], { onProgress });
    assertStringIncludes(message, "progress.a[0]");
    const failed = pool.execute("failByReport", [], { onProgress });
    assertInstanceOf(await reasonOf(failed), JobCloneError);
    assertEquals(heard, []);
    // Without a listener, the value is not checked.
    assertEquals(await pool.execute("reportFunction"), "accepted");
  },
);

testEach(
  "onProgress is not called after the promise has settled",
  async (pool) => {
    const { heard, onProgress, has } = listener();
    const controller = new AbortController();
    const { signal } = controller;
    const job = pool.execute("reportOn", [150], { signal, onProgress });
    await has(1);
    controller.abort("enough");
    assertEquals(await reasonOf(job), "enough");
    const { length } = heard;
    // The job has ended when its worker runs the next job.
    await pool.execute("echo", [1]);
    await new Promise((done) => setTimeout(done, 100));
    assertEquals(heard.length, length);
  },
);

testEach("onProgress works with stream()", async (pool) => {
  const { heard, onProgress } = listener<number>();
  const stream = pool.stream("countAndReport", [5_000], { onProgress });
  assertEquals((await Array.fromAsync(stream)).length, 5_000);
  assertEquals(heard.at(-1), 5_000);
});

testEach(
  "onProgress receives values before the stream of a result arrives",
  async (pool) => {
    const { heard, onProgress } = listener<string>();
    const stream = await pool.execute("streamAfterReport", [], { onProgress });
    assertEquals(heard.at(-1), "last");
    assertEquals(await Array.fromAsync(stream), [1, 2]);
  },
);

test("an error that onProgress throws is reported, and no job is affected", async () => {
  await using pool = poolOf<typeof jobs>("progress");
  const reported: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  addEventListener("error", onError);
  try {
    const thrown = new Error("in the listener");
    const result = pool.execute("countTo", [3], {
      onProgress: () => {
        throw thrown;
      },
    });
    assertEquals(await result, 3);
    assertEquals(reported[0], thrown);
  } finally {
    removeEventListener("error", onError);
  }
});

test("onProgress can call the pool", async () => {
  await using pool = poolOf<typeof jobs>("progress");
  const calls: Promise<unknown>[] = [];
  await pool.execute("countTo", [3], {
    onProgress: () => void calls.push(pool.execute("echo", [1])),
  });
  assert(calls.length > 0);
  for (const call of calls) assertEquals(await call, 1);
});

test("report() works in inline jobs and on the caller's thread", async () => {
  const queue = { capacity: 0, whenFull: "caller-runs" } as const;
  await using pool = new ThreadPool({ size: 1, queue });
  const { heard, onProgress } = listener();
  const job = (i: number) => currentJob()!.report([i]);
  await Promise.all([
    pool.execute(job, [1], { onProgress }),
    pool.execute(job, [2], { onProgress }),
  ]);
  assertEquals(heard.map(String).toSorted(), ["1", "2"]);
});

test("`onProgress` must be a function", async () => {
  await using pool = poolOf<typeof jobs>("progress");
  await assertRejects(
    () => executeUntyped(pool, "countTo", [1], { onProgress: 1 }),
    TypeError,
    "Expected `onProgress` to be a function, got 1",
  );
});
