// stats(): what the pool does and has done, in numbers that add up.
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import type { PoolStats } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { makePool, numbersTo } from "./kinds.ts";
import { test } from "./pools.ts";

/** Returns the values with these names in a snapshot. */
const look = (stats: PoolStats, names: string) =>
  names.split(" ").map((name) => stats[name as keyof PoolStats]);

test("stats() of a new pool is all zero, and a snapshot does not change", async () => {
  await using pool = makePool();
  const before = pool.stats();
  await pool.execute("echo", [1]);
  const none = { count: 0, sum: 0, mean: 0, p50: 0, p99: 0, max: 0 };
  assertEquals(before, {
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

test("stats() counts queued and running jobs, and busy and idle workers, until close()", async () => {
  const pool = makePool({ size: 2 });
  using gate = new Gate();
  const held = numbersTo(5).map(() => pool.execute("passGate", [gate.key]));
  const names = "size idle busy queued running completed";
  const { queued, running } = pool.stats();
  assertEquals(queued + running, 5);
  await gate.arrived(2);
  assertEquals(look(pool.stats(), names), [2, 0, 2, 3, 2, 0]);
  gate.open();
  await Promise.all(held);
  assertEquals(look(pool.stats(), names), [2, 2, 0, 0, 0, 5]);
  await pool.close();
  assertEquals(look(pool.stats(), names), [0, 0, 0, 0, 0, 5]);
  assertEquals(pool.stats().runTime.count, 5);
});

test("stats() counts each job once by how it ended, and no refused call", async () => {
  await using pool = makePool({ size: 2 });
  const client = new AbortController();
  await Promise.allSettled(
    numbersTo(400).flatMap((i): Promise<unknown>[] => [
      pool.execute("echo", [i]),
      pool.execute("echo", [new Map()]),
      pool.execute("fail"),
      pool.execute("echo", [i], client),
      pool.execute("echo", [() => {}]),
      pool.execute("echo", [i], { signal: AbortSignal.abort() }),
    ]).concat([Promise.resolve(client.abort())]),
  );
  const names = "completed failed aborted timedOut crashed queued running";
  assertEquals(look(pool.stats(), names), [800, 400, 400, 0, 0, 0, 0]);
});

test("stats() stays consistent while jobs come and go", async () => {
  await using pool = makePool({ size: 2 });
  const results: Promise<unknown>[] = [];
  for (let i = 0; i < 200; i++) {
    for (let j = 0; j < 10; j++) results.push(pool.execute("echo", [i * j]));
    if (i % 10 === 0) await results.at(-1);
    else if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
    const { size, idle, busy, queued, running, completed } = pool.stats();
    assertEquals(size, idle + busy);
    assertLessOrEqual(running, busy);
    // A result in flight is in none of these counts, or still counted as before.
    assertLessOrEqual(queued + running + completed, results.length);
    assertGreaterOrEqual(Math.min(queued, running, completed, idle, busy), 0);
  }
  await Promise.all(results);
  assertEquals(pool.stats().completed, results.length);
});

test("stats() measures how long jobs wait and run, including asynchronous time", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  const start = performance.now();
  await Promise.all([
    pool.execute("burnFor", [60]),
    pool.execute("burnFor", [60]),
    pool.execute("arriveThenGive", [new Gate().key, 60, 1]),
  ]);
  const total = performance.now() - start;
  const { waitTime, runTime, utilization } = pool.stats();
  assertEquals([waitTime.count, runTime.count], [4, 4]);
  for (const { mean, p50, p99, max } of [waitTime, runTime]) {
    assertLessOrEqual(p50, p99 * 1.02);
    assertLessOrEqual(p99, max * 1.02);
    assertLessOrEqual(mean, max);
    assertLess(max, total * 1.05 + 1_000);
  }
  // Three of four jobs ran for 60 ms, one after the other.
  assertGreaterOrEqual(runTime.p50, 55);
  assertLess(runTime.mean, total / 3 + 5);
  assertGreaterOrEqual(waitTime.max, 110);
  assert(utilization > 0 && utilization <= 1, `utilization ${utilization}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertGreater(utilization, pool.stats().utilization);
});
