// An idle pool stops checking its workers: what it misses, and how it continues.
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { JobTimeoutError, ThreadPool, transfer } from "@spindle/thread-pool";
import { eventually, liveWorkers, poolTest } from "./live_workers.ts";

/** Time in ms after which an idle pool no longer checks its workers. */
const WHILE = 60;

poolTest(
  "execute() loses no buffer to a worker that ended while the pool rested",
  async () => {
    const before = (await liveWorkers()).length;
    await using pool = new ThreadPool(1);
    await pool.execute(() => {
      setTimeout(() => self.close(), 80);
    });
    await eventually(
      async () => (await liveWorkers()).length === before,
      () => "The worker has not ended",
    );
    await delay(WHILE);
    const buffer = transfer(new ArrayBuffer(8));
    const length = await pool.execute(
      (buffer: ArrayBuffer) => buffer.byteLength,
      [buffer],
    );
    assertEquals([length, pool.stats().crashed], [8, 1]);
  },
);

poolTest("execute() runs jobs of every kind after a rest", async () => {
  await using pool = new ThreadPool({ size: 2, timeout: 10_000 });
  const echo = (value: unknown) => value;
  for (let round = 0; round < 2; round++) {
    await pool.execute(echo, [round]);
    await delay(WHILE);
    const values = [1, "text", { a: [1] }, new Map([[1, 2]])];
    const results = values.map((value) => pool.execute(echo, [value]));
    assertEquals(await Promise.all(results), values);
    const bytes = transfer(new Uint8Array([1, 2, 3]));
    assertEquals(await pool.execute(echo, [bytes]), new Uint8Array([1, 2, 3]));
  }
  assertEquals(pool.stats().crashed, 0);
  await delay(WHILE);
  await assertRejects(
    () => pool.execute(() => new Promise(() => {}), [], { timeout: 50 }),
    JobTimeoutError,
  );
});
