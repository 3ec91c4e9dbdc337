// User code that runs inside the pool can call the pool.

import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  PoolTerminatedError,
  ThreadPool,
  ThreadPoolError,
} from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

for (const call of ["terminate", "close"] as const) {
  poolTest(
    `${call}() from the cancel() of a stream whose worker dies settles every job`,
    async () => {
      const pool = new ThreadPool(1);
      let calls = 0;
      const stream = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(10)),
        cancel() {
          calls++;
          pool[call]();
        },
      });
      const dies = pool.execute(async (stream: ReadableStream) => {
        await stream.getReader().read();
        self.close();
        await new Promise(() => {});
      }, [stream]);
      const others = [1, 2, 3].map((i) => pool.execute((i: number) => i, [i]));
      const [first, ...rest] = await Promise.allSettled([dies, ...others]);
      assertEquals(calls, 1);
      assertInstanceOf(
        (first as PromiseRejectedResult).reason,
        ThreadPoolError,
      );
      for (const result of rest) {
        if (call === "close") assertEquals(result.status, "fulfilled");
        else {
          const { reason } = result as PromiseRejectedResult;
          assertInstanceOf(reason, PoolTerminatedError);
        }
      }
      await pool.close();
    },
  );
}

poolTest(
  "execute() rejects if a getter among its arguments terminates the pool",
  async () => {
    const pool = new ThreadPool(1);
    await pool.execute(() => 1);
    const args: [unknown] = [{
      get value() {
        pool.terminate("from a getter");
        return 1;
      },
    }];
    const error = await pool.execute((x: unknown) => x, args).catch((e) => e);
    assertInstanceOf(error, PoolTerminatedError);
    assertEquals(error.cause, "from a getter");
  },
);

poolTest(
  "a jobend listener can submit, abort and close during a burst of jobs",
  async () => {
    const pool = new ThreadPool(2);
    const extra: Promise<unknown>[] = [];
    const controller = new AbortController();
    let ends = 0;
    pool.addEventListener("jobend", () => {
      if (++ends <= 20) extra.push(pool.execute((i: number) => i, [ends]));
      if (ends === 30) controller.abort("enough");
      if (ends === 40) pool.close();
    });
    const burst = Array.from(
      { length: 100 },
      (_, i) => pool.execute((i: number) => i, [i], controller),
    );
    const settled = await Promise.allSettled(burst);
    const values = settled.filter(({ status }) => status === "fulfilled");
    const aborted = settled.filter((result) => {
      return result.status === "rejected" && result.reason === "enough";
    });
    assertEquals(values.length + aborted.length, 100);
    assertEquals(await Promise.all(extra), extra.map((_, i) => i + 1));
    await pool.close();
  },
);
