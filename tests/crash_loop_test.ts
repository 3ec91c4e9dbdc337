// Where workers die again and again, the pool does not burn the machine.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async";
import { ThreadPool, WorkerCrashedError } from "@spindle/thread-pool";
import { Breaker } from "../src/threads/breaker.ts";
import type * as jobs from "./fixtures/recycling.ts";
import { poolTest } from "./live_workers.ts";

/** So many workers die in a row before new jobs are refused. */
const MOST = 10;

function makePool(): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/recycling.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1 });
}

/** Lets workers die one after the other until new jobs are refused. */
async function breakDown(pool: ThreadPool<typeof jobs>): Promise<void> {
  for (let i = 0; i < MOST; i++) {
    const error = await assertRejects(
      () => pool.execute("die"),
      WorkerCrashedError,
    );
    assert(error.started);
  }
}

poolTest(
  "after many workers that died in a row, new jobs are refused as not started",
  async () => {
    await using pool = makePool();
    await breakDown(pool);
    const error = await assertRejects(
      () => pool.execute("echo", [1]),
      WorkerCrashedError,
    );
    assertEquals(error.started, false);
    assertMatch(error.message, /10 workers have died in a row.* \d+ ms$/);
    assertEquals(pool.stats().size, 0);
  },
);

poolTest("the pool recovers once its delay is over", async () => {
  await using pool = makePool();
  await breakDown(pool);
  const start = performance.now();
  let result: unknown;
  while (result === undefined) {
    result = await pool.execute("echo", [1]).catch(async (error) => {
      assertEquals(error.started, false);
      await delay(5);
      return undefined;
    });
  }
  assertEquals(result, 1);
  assertLess(performance.now() - start, 5_000);
  // It is as if nothing had happened.
  await assertRejects(() => pool.execute("die"), WorkerCrashedError);
  assertEquals(await pool.execute("echo", [2]), 2);
});

poolTest("a job that ends between the deaths is a sign of health", async () => {
  await using pool = makePool();
  for (let i = 0; i < MOST + 5; i++) {
    await assertRejects(() => pool.execute("die"), WorkerCrashedError);
    assertEquals(await pool.execute("echo", [i]), i);
  }
  assertEquals(pool.stats().crashed, MOST + 5);
});

poolTest("jobs that were accepted before run after the delay", async () => {
  await using pool = makePool();
  const deaths = Array.from(
    { length: MOST },
    () => assertRejects(() => pool.execute("die"), WorkerCrashedError),
  );
  const waiting = pool.execute("echo", [1]);
  await Promise.all(deaths);
  assertEquals(await waiting, 1);
});

poolTest("close() ends though new jobs are refused", async () => {
  const pool = makePool();
  await breakDown(pool);
  await pool.close();
});

Deno.test("the delay grows with each death, and ends at ten seconds", () => {
  const breaker = new Breaker(MOST);
  for (let i = 1; i < MOST; i++) breaker.add(0);
  assertEquals(breaker.delay(0), 0);
  const delays = Array.from({ length: 10 }, () => {
    breaker.add(0);
    return breaker.delay(0);
  });
  assertGreater(delays[0], 0);
  for (let i = 1; i < delays.length; i++) {
    assertEquals(delays[i], Math.min(delays[i - 1] * 2, 10_000));
  }
  breaker.reset();
  assertEquals([breaker.count, breaker.delay(0)], [0, 0]);
});
