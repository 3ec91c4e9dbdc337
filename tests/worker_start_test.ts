// A module that never starts stops its pool, and nothing else.
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool, WorkerStartError } from "@spindle/thread-pool";
import { BAD_MODULES } from "./fixtures/bad_modules.ts";
import { liveWorkers, poolTest } from "./live_workers.ts";

for (const [what, module] of Object.entries(BAD_MODULES)) {
  poolTest(
    `a module that ${what} rejects all jobs with WorkerStartError, and close() resolves`,
    async () => {
      await using pool = new ThreadPool({ module, size: 3 });
      const waiting = Array.from(
        { length: 20 },
        (_, i) => i % 2 ? pool.execute("job", [i]) : pool.execute(() => 1),
      );
      for (const result of await Promise.allSettled(waiting)) {
        assertEquals(result.status, "rejected");
        const { reason } = result as PromiseRejectedResult;
        assertInstanceOf(reason, WorkerStartError);
        assertStringIncludes(reason.message, module);
      }
      for (const call of [() => pool.execute("job"), () => pool.ready()]) {
        await assertRejects(call, WorkerStartError);
      }
      await pool.drain();
      await pool.close();
    },
  );
}

poolTest(
  "the cause of a WorkerStartError is what the module threw",
  async () => {
    await using pool = new ThreadPool({
      module: BAD_MODULES["throws at the top"],
      size: 1,
    });
    const error = await assertRejects(
      () => pool.execute("job"),
      WorkerStartError,
      "wrong at the top",
    );
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "wrong at the top");
  },
);

poolTest("a module that never starts is tried once, not for ever", async () => {
  await using pool = new ThreadPool({
    module: BAD_MODULES["throws at the top"],
    size: 2,
  });
  let errors = 0;
  pool.addEventListener("workererror", () => errors++);
  await assertRejects(() => pool.execute("job"), WorkerStartError);
  await assertRejects(() => pool.execute("job"), WorkerStartError);
  const { size, queued, running } = pool.stats();
  assertEquals({ errors, size, queued, running }, {
    errors: 1,
    size: 0,
    queued: 0,
    running: 0,
  });
});

poolTest(
  "those who wait in ready() and drain() are told when the module never starts",
  async () => {
    await using pool = new ThreadPool({
      module: BAD_MODULES["throws at the top"],
      size: 1,
      queue: { capacity: 0 },
    });
    const job = pool.execute("job");
    await Promise.all([
      assertRejects(() => job, WorkerStartError),
      assertRejects(() => pool.ready(), WorkerStartError),
      pool.drain(),
    ]);
  },
);

poolTest("close() resolves though the module never starts", async () => {
  await using pool = new ThreadPool({
    module: BAD_MODULES["calls Deno.exit() at the top"],
    size: 1,
  });
  const job = pool.execute("job");
  await Promise.all([
    assertRejects(() => job, WorkerStartError),
    pool.close(),
  ]);
});

poolTest(
  "a module that waits for ever at the top can be terminated",
  async () => {
    const module = "data:text/javascript,await new Promise(() => {})";
    const pool = new ThreadPool({ module, size: 1 });
    const job = pool.execute("job");
    await Promise.all([assertRejects(() => job), pool.terminate()]);
  },
);

poolTest(
  "a module may take its time to start, and keeps the jobs that came meanwhile",
  async () => {
    const source = `
    await new Promise((resolve) => setTimeout(resolve, 100));
    export const job = (i) => i;`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    await using pool = new ThreadPool({ module, size: 2 });
    const results = Array.from(
      { length: 50 },
      (_, i) => pool.execute("job", [i]),
    );
    assertEquals(
      await Promise.all(results),
      Array.from({ length: 50 }, (_, i) => i),
    );
  },
);

poolTest(
  "a module that sets onmessage or listens does not disturb the pool",
  async () => {
    const source = `
    self.onmessage = () => {};
    self.onerror = () => {};
    addEventListener("message", (event) => event.preventDefault());
    export const job = (i) => i;`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    await using pool = new ThreadPool({ module, size: 1 });
    assertEquals(await pool.execute("job", [1]), 1);
  },
);

poolTest(
  "a pool that is not used starts no worker, even of a bad module",
  async () => {
    const before = await liveWorkers();
    await using _ = new ThreadPool({
      module: BAD_MODULES["does not exist"],
      size: 2,
    });
    assertEquals(await liveWorkers(), before);
  },
);
