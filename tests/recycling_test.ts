// Workers that are replaced after a while, whatever jobs have left in them.
import {
  assertEquals,
  assertLess,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { delay } from "@std/async";
import {
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/recycling.ts";
import { Gate } from "./gate.ts";
import { countWorkers, eventually, poolTest } from "./live_workers.ts";

function makePool(options: ThreadPoolOptions): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/recycling.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

/** How many jobs each worker has had, of so many. */
async function jobsPerWorker(
  pool: ThreadPool<typeof jobs>,
  count: number,
): Promise<number[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => pool.execute("askWorker")),
  );
  const most = new Map<string, number>();
  for (const { key, runs } of answers) {
    most.set(key, Math.max(runs, most.get(key) ?? 0));
  }
  return [...most.values()];
}

for (const hardKill of [false, true]) {
  poolTest(
    `a worker is replaced after maxJobsPerWorker jobs (hardKill ${hardKill})`,
    async () => {
      await using pool = makePool({ maxJobsPerWorker: 5, hardKill });
      assertEquals(await jobsPerWorker(pool, 20), [5, 5, 5, 5]);
      assertEquals(pool.stats().crashed, 0);
    },
  );
}

poolTest("jobs one at a time count as well", async () => {
  await using pool = makePool({ maxJobsPerWorker: 3 });
  const runs: number[] = [];
  for (let i = 0; i < 7; i++) runs.push((await pool.execute("askWorker")).runs);
  assertEquals(runs, [1, 2, 3, 1, 2, 3, 1]);
});

poolTest(
  "with one job a worker, no job sees what another has left",
  async () => {
    await using pool = makePool({ maxJobsPerWorker: 1 });
    for (const value of ["a", "b", "c"]) {
      assertEquals(await pool.execute("soil", [value]), undefined);
      assertEquals(await pool.execute("isClean"), true);
      assertEquals((await pool.execute("askWorker")).runs, 1);
    }
  },
);

poolTest("timers that a job left behind end with its worker", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  using ticks = new Gate();
  await pool.execute("tick", [ticks.key]);
  await pool.execute("echo", [1]);
  await eventually(
    async () => await countWorkers() <= 1,
    () => "Expected the first worker to have ended",
  );
  const before = ticks.count;
  await delay(20);
  assertEquals(ticks.count, before);
});

poolTest("with several workers, each has no more than it may", async () => {
  await using pool = makePool({ maxJobsPerWorker: 4, size: 3 });
  const counts = await jobsPerWorker(pool, 40);
  assertEquals(Math.max(...counts), 4);
});

poolTest("with concurrency, each has no more than it may", async () => {
  await using pool = makePool({ maxJobsPerWorker: 3, concurrency: 2 });
  using gate = new Gate();
  const held = Array.from(
    { length: 6 },
    () => pool.execute("passGate", [gate.key]),
  );
  await gate.arrived(2);
  gate.open();
  await Promise.all(held);
  assertEquals((await pool.execute("askWorker")).runs, 1);
});

poolTest(
  "jobs that were aborted before they started do not count",
  async () => {
    await using pool = makePool({ maxJobsPerWorker: 2 });
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const aborted = Array.from(
      { length: 10 },
      () => pool.execute("echo", [1], controller).catch((reason) => reason),
    );
    controller.abort("no longer");
    await Promise.all(aborted);
    gate.open();
    await held;
    assertEquals((await pool.execute("askWorker")).runs, 1);
    assertEquals((await pool.execute("askWorker")).runs, 1);
  },
);

poolTest("what moves arrives where each job has its own worker", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  for (let i = 0; i < 3; i++) {
    const result = await pool.execute("echo", [transfer(new Uint8Array([i]))]);
    assertEquals(result, new Uint8Array([i]));
  }
});

poolTest(
  "a worker whose heap has grown is replaced after its job",
  async () => {
    await using pool = makePool({ maxHeapPerWorker: 48 });
    const stopped = new Promise((resolve) => {
      pool.addEventListener("workerstop", resolve, { once: true });
    });
    const small = await pool.execute("keep", [1]);
    assertEquals(await pool.execute("keep", [1]), small);
    // The heap is looked at now and then.
    for (let i = 0; (await pool.execute("keep", [20])) === small; i++) {
      assertLess(i, 20);
      await delay(20);
    }
    await stopped;
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest("jobs that wait before a worker that has grown run once", async () => {
  await using pool = makePool({ maxHeapPerWorker: 48 });
  using runs = new Gate();
  await pool.execute("echo", [1]);
  await delay(60); // the heap is looked at every 50 ms
  const first = pool.execute("keep", [60]);
  const others = Array.from(
    { length: 100 },
    () => pool.execute("arrive", [runs.key]),
  );
  await Promise.all([first, ...others]);
  assertEquals(runs.count, 100);
  assertNotEquals(await pool.execute("keep", [0]), await first);
});

poolTest(
  "a worker that is to end first ends the streams of its results",
  async () => {
    await using pool = makePool({ maxJobsPerWorker: 1 });
    const stream = await pool.execute("streamSlowly", [20]);
    const { key } = await pool.execute("askWorker");
    const chunks = await Array.fromAsync(stream);
    assertEquals(chunks, Array.from({ length: 20 }, (_, i) => i));
    assertNotEquals((await pool.execute("askWorker")).key, key);
  },
);

poolTest(
  "close() waits for the streams of workers that are to end",
  async () => {
    const pool = makePool({ maxJobsPerWorker: 1 });
    const stream = await pool.execute("streamSlowly", [10]);
    const closed = pool.close();
    assertEquals((await Array.fromAsync(stream)).length, 10);
    await closed;
  },
);

poolTest("workerstop and workerstart tell of each replacement", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  const told: string[] = [];
  for (const type of ["workerstart", "workerstop"] as const) {
    pool.addEventListener(type, () => told.push(type));
  }
  await pool.execute("echo", [1]);
  await pool.execute("echo", [2]);
  await eventually(() => told.length === 4, () => `Told ${told}`);
  assertStringIncludes(told.join(), "workerstart,workerstop,workerstart");
});
