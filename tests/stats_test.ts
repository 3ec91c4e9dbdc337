// stats(): what the pool does and has done, in numbers that add up.
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/gates.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

poolTest("stats() of a new pool is all zero", async () => {
  await using pool = makePool();
  const none = { count: 0, mean: 0, p50: 0, p99: 0, max: 0 };
  assertEquals(pool.stats(), {
    size: 0,
    idle: 0,
    busy: 0,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    aborted: 0,
    timedOut: 0,
    crashed: 0,
    lost: 0,
    waitTime: none,
    runTime: none,
    utilization: 0,
  });
});

poolTest(
  "stats() tells queued from running jobs, and busy from idle workers",
  async () => {
    await using pool = makePool(2);
    using gate = new Gate();
    const held = Array.from(
      { length: 5 },
      () => pool.execute("passGate", [gate.key]),
    );
    assertEquals(pool.stats().queued, 5);
    await gate.arrived(2);
    const { size, idle, busy, queued, running } = pool.stats();
    assertEquals({ size, idle, busy, queued, running }, {
      size: 2,
      idle: 0,
      busy: 2,
      queued: 3,
      running: 2,
    });
    gate.open();
    await Promise.all(held);
    const after = pool.stats();
    assertEquals(
      [after.idle, after.busy, after.queued, after.running, after.completed],
      [2, 0, 0, 0, 5],
    );
  },
);

poolTest("stats() counts how jobs ended, and each once", async () => {
  await using pool = makePool(2);
  const reasons = await Promise.allSettled(
    Array.from({ length: 400 }, (_, i): Promise<unknown> => {
      if (i % 4 === 0) return pool.execute("echo", [i]);
      if (i % 4 === 1) return pool.execute("echo", [[i]]);
      if (i % 4 === 2) {
        return pool.execute(() => {
          throw new RangeError("wrong");
        });
      }
      const controller = new AbortController();
      const result = pool.execute("echo", [i], controller);
      controller.abort("no longer");
      return result;
    }),
  );
  const { completed, failed, aborted, queued, running } = pool.stats();
  assertEquals({ completed, failed, aborted, queued, running }, {
    completed: 200,
    failed: 100,
    aborted: 100,
    queued: 0,
    running: 0,
  });
  assertEquals(
    reasons.filter(({ status }) => status === "fulfilled").length,
    200,
  );
});

poolTest("stats() does not count calls that were refused", async () => {
  await using pool = makePool();
  await pool.execute("echo", [() => {}]).catch(() => {});
  await pool.execute("echo", [1], { signal: AbortSignal.abort() })
    .catch(() => {});
  const { completed, failed, aborted } = pool.stats();
  assertEquals([completed, failed, aborted], [0, 0, 0]);
});

poolTest("stats() keeps its sums while jobs come and go", async () => {
  await using pool = makePool(2);
  let submitted = 0;
  const results: Promise<unknown>[] = [];
  for (let i = 0; i < 200; i++) {
    for (let j = 0; j < 10; j++, submitted++) {
      results.push(pool.execute("echo", [i * j]));
    }
    if (i % 10 === 0) await results.at(-1);
    else if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
    const { size, idle, busy, queued, running, completed } = pool.stats();
    assertEquals(size, idle + busy);
    assertLessOrEqual(running, busy);
    // A result on its way is in none of them, or still counted as before.
    assertLessOrEqual(queued + running + completed, submitted);
    assertGreaterOrEqual(Math.min(queued, running, completed, idle, busy), 0);
  }
  await Promise.all(results);
  assertEquals(pool.stats().completed, submitted);
});

poolTest("waitTime and runTime are plausible", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  const block = (ms: number) => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(words, 0, 0, ms);
  };
  const start = performance.now();
  await Promise.all([
    pool.execute(block, [60]),
    pool.execute(block, [60]),
    pool.execute(block, [60]),
  ]);
  const total = performance.now() - start;
  const { waitTime, runTime, utilization } = pool.stats();
  assertEquals([waitTime.count, runTime.count], [4, 4]);
  for (const times of [waitTime, runTime]) {
    assertLessOrEqual(times.p50, times.p99 * 1.02);
    assertLessOrEqual(times.p99, times.max * 1.02);
    assertLessOrEqual(times.mean, times.max);
    assertLess(times.max, total * 1.05 + 1_000);
  }
  // Three of four ran for 60 ms, one after the other.
  assertGreaterOrEqual(runTime.p50, 55);
  assertGreaterOrEqual(runTime.max, 55);
  assertLess(runTime.mean, total / 3 + 5);
  assertGreaterOrEqual(waitTime.max, 110);
  assert(utilization > 0 && utilization <= 1, `utilization ${utilization}`);
});

poolTest("runTime of an asynchronous job reaches to its end", async () => {
  await using pool = makePool();
  await pool.execute(
    (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
    [50],
  );
  assertGreaterOrEqual(pool.stats().runTime.max, 45);
});

poolTest("stats() is a snapshot", async () => {
  await using pool = makePool();
  const before = pool.stats();
  await pool.execute("echo", [1]);
  assertEquals([before.completed, before.waitTime.count], [0, 0]);
});

poolTest(
  "stats() of a closed pool keeps its counts, and has no worker",
  async () => {
    const pool = makePool(2);
    await Promise.all([1, 2, 3].map((i) => pool.execute("echo", [i])));
    await pool.close();
    const { size, idle, busy, completed, runTime } = pool.stats();
    assertEquals([size, idle, busy, completed, runTime.count], [0, 0, 0, 3, 3]);
  },
);
