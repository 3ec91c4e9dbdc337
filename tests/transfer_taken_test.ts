// What moves is the pool's from the call on, whichever worker is to get it.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool, transfer } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

poolTest(
  "a buffer is taken at the call, though no worker is woken for it yet",
  async () => {
    await using pool = new ThreadPool(2);
    const both = () => new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([pool.execute(both), pool.execute(both)]);
    // So many that the pool knows that jobs are small: one worker is enough.
    for (let i = 0; i < 2_000; i++) await pool.execute((i: number) => i, [i]);
    for (let i = 0; i < 20; i++) {
      const small = pool.execute((i: number) => i, [i]);
      const buffer = new ArrayBuffer(8);
      const moved = pool.execute(
        (buffer: ArrayBuffer) => buffer.byteLength,
        [transfer(buffer)],
      );
      assert(buffer.detached, `round ${i}`);
      assertEquals(await moved, 8);
      assertEquals(await small, i);
    }
  },
);
