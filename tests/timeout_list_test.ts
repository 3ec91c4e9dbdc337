// A loop is stopped in time, whatever travels in one list with it.
import { assertEquals, assertRejects } from "@std/assert";
import { JobTimeoutError, ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

poolTest(
  "a loop with a timeout is stopped though the job behind it has none",
  async () => {
    await using pool = new ThreadPool(1);
    // So many that the pool knows that jobs are small, and sends them together.
    for (let i = 0; i < 100; i++) await pool.execute((i: number) => i, [i]);
    const [before, loop, after] = [
      pool.execute(() => "before"),
      pool.execute(
        () => {
          for (;;);
        },
        [],
        { timeout: 50 },
      ),
      pool.execute(() => "after"),
    ];
    assertEquals(await before, "before");
    await assertRejects(() => loop, JobTimeoutError);
    assertEquals(await after, "after");
    await pool.close();
    assertEquals(pool.stats().lost, 0);
  },
);
