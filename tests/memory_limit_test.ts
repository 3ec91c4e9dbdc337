// A job that needs more memory than its worker may have fails alone, by name.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobTimeoutError,
  MemoryLimitError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/hard_kill.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/hard_kill.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({
    module,
    size: 1,
    memoryLimit: 32,
    ...options,
  });
}

const FILLING = {
  fillAtOnce: "at once",
  fillAfterAwait: "after an await",
  fillInTimer: "in a timer",
} as const;

for (const [name, when] of Object.entries(FILLING)) {
  const job = name as keyof typeof FILLING;

  poolTest(
    `a job that allocates without end ${when} is rejected by name, and its worker replaced`,
    async () => {
      await using pool = makePool();
      const error = await assertRejects(
        () => pool.execute(job),
        MemoryLimitError,
      );
      assertInstanceOf(error, WorkerCrashedError);
      assert(error.started);
      assertEquals(error.name, "MemoryLimitError");
      assertStringIncludes(error.message, `"${job}"`);
      assertEquals(await pool.execute("echo", [1]), 1);
      assertEquals(pool.stats().crashed, 1);
    },
  );
}

poolTest("jobs on other workers, and those that wait, go on", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const beside = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const filling = pool.execute("fillAtOnce");
  const behind = Array.from(
    { length: 20 },
    (_, i) => pool.execute("echo", [i]),
  );
  await assertRejects(() => filling, MemoryLimitError);
  assertEquals(await Promise.all(behind), [...behind.keys()]);
  gate.open();
  await beside;
});

poolTest("a job that stays below the limit is let be", async () => {
  await using pool = makePool({ memoryLimit: 64 });
  await pool.execute("keep", [16]);
  assertEquals(await pool.execute("echo", [1]), 1);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("the contents of buffers do not count", async () => {
  await using pool = makePool();
  const length = await pool.execute(() => {
    return new Uint8Array(64 * 1024 * 1024).fill(1).length;
  });
  assertEquals(length, 64 * 1024 * 1024);
});

poolTest("a limit implies that a loop can be stopped", async () => {
  await using pool = makePool({ abortGrace: 0 });
  using gate = new Gate();
  const options = { timeout: 50 };
  const counting = pool.execute("countAfterAwait", [gate.key], options);
  await assertRejects(() => counting, JobTimeoutError);
  assertEquals(await pool.execute("echo", [1]), 1);
  assertEquals(pool.stats().lost, 0);
});

poolTest(
  "a timeout that has not passed does not hide what a job died of",
  async () => {
    await using pool = makePool();
    await pool.execute("echo", [1]);
    const error = await assertRejects(() =>
      pool.execute("fillAtOnce", [], { timeout: 10_000 })
    );
    assertInstanceOf(error, MemoryLimitError);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);
