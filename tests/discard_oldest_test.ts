// Where the queue is full, the job that has waited longest makes room.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  JobDiscardedError,
  QueueFullError,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/when_full.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, tcpPair } from "./sockets.ts";

function makePool(
  capacity: number,
  options: ThreadPoolOptions = {},
): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/when_full.ts", import.meta.url);
  const queue = { capacity, whenFull: "discard-oldest" } as const;
  return new ThreadPool<typeof jobs>({ module, size: 1, queue, ...options });
}

/** A job that holds the worker until the gate is open. */
async function holdWorker(pool: ThreadPool<typeof jobs>) {
  const gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  return { held, gate, [Symbol.dispose]: () => gate.open() };
}

poolTest("discard-oldest rejects the job that has waited longest", async () => {
  await using pool = makePool(2);
  using holder = await holdWorker(pool);
  const results = [1, 2, 3, 4].map((i) => pool.execute("echo", [i]));
  for (const discarded of results.slice(0, 2)) {
    const error = await assertRejects(() => discarded, JobDiscardedError);
    assertStringIncludes(error.message, '"echo"');
    assertStringIncludes(error.message, "capacity is 2");
  }
  holder.gate.open();
  assertEquals(await Promise.all(results.slice(2)), [3, 4]);
  await holder.held;
});

poolTest("a discarded job never runs", async () => {
  await using pool = makePool(3);
  using holder = await holdWorker(pool);
  using runs = new Gate();
  const results = Array.from(
    { length: 50 },
    () => pool.execute("arrive", [runs.key]),
  );
  holder.gate.open();
  const settled = await Promise.allSettled(results);
  assertEquals(
    settled.filter(({ status }) => status === "rejected").length,
    47,
  );
  await pool.execute("echo", [1]);
  assertEquals(runs.count, 3);
});

poolTest("jobs that run are never discarded", async () => {
  await using pool = makePool(1, { concurrency: 2 });
  using first = await holdWorker(pool);
  using second = await holdWorker(pool);
  const queued = pool.execute("echo", [1]);
  const discarded = assertRejects(() => queued, JobDiscardedError);
  const newest = pool.execute("echo", [2]);
  await discarded;
  first.gate.open();
  second.gate.open();
  await Promise.all([first.held, second.held]);
  assertEquals(await newest, 2);
});

poolTest("where nothing waits, the new job is refused", async () => {
  await using pool = makePool(0);
  using holder = await holdWorker(pool);
  const error = await assertRejects(
    () => pool.execute("echo", [1]),
    QueueFullError,
  );
  assertStringIncludes(error.message, "capacity is 0");
  holder.gate.open();
  await holder.held;
});

poolTest("discard-oldest discards nothing while there is room", async () => {
  await using pool = makePool(99);
  const results = Array.from({ length: 100 }, (_, i) => {
    return pool.execute("echo", [i]);
  });
  assertEquals(await Promise.all(results), [...results.keys()]);
});

poolTest("jobs sent ahead to a worker can be discarded, in order", async () => {
  await using pool = makePool(5);
  for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so jobs are sent ahead
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  const results = [0, 1, 2, 3, 4].map((i) => pool.execute("echo", [i]));
  await gate.arrived();
  const discarded = assertRejects(() => results[0], JobDiscardedError);
  const newest = pool.execute("echo", [5]);
  await discarded;
  gate.open();
  assertEquals(await Promise.all(results.slice(1)), [1, 2, 3, 4]);
  assertEquals(await newest, 5);
  await held;
});

poolTest("a connection in a discarded job is closed", async () => {
  await using pool = makePool(1);
  using holder = await holdWorker(pool);
  using runs = new Gate();
  const { client, server } = await tcpPair();
  const queued = pool.execute("writeTo", [server, runs.key]);
  const discarded = assertRejects(() => queued, JobDiscardedError);
  const newest = pool.execute("echo", [1]);
  await discarded;
  assertEquals((await readAll(client)).length, 0);
  client.close();
  holder.gate.open();
  await Promise.all([holder.held, newest]);
  assertEquals(runs.count, 0);
});

poolTest(
  "a discarded job counts as failed, and jobend tells of it",
  async () => {
    await using pool = makePool(1);
    using holder = await holdWorker(pool);
    const errors: unknown[] = [];
    pool.addEventListener("jobend", ({ detail }) => {
      if (!detail.ok) errors.push(detail.error);
    });
    const queued = pool.execute("echo", [1]);
    const discarded = assertRejects(() => queued, JobDiscardedError);
    const newest = pool.execute("echo", [2]);
    assertEquals(errors, [await discarded]);
    holder.gate.open();
    await Promise.all([holder.held, newest]);
    assertEquals(pool.stats().failed, 1);
  },
);

poolTest("a call that is refused discards nothing", async () => {
  await using pool = makePool(1);
  using holder = await holdWorker(pool);
  const queued = pool.execute("echo", [1]);
  const uncloneable = { method() {} };
  await assertRejects(() => pool.execute("echo", [uncloneable]));
  await assertRejects(() => {
    return pool.execute("echo", [2], { signal: AbortSignal.abort() });
  });
  holder.gate.open();
  assertEquals(await queued, 1);
  await holder.held;
});

poolTest("who hears of a discarded job may terminate the pool", async () => {
  const pool = makePool(1);
  using holder = await holdWorker(pool);
  pool.addEventListener("jobend", () => pool.terminate(), { once: true });
  const jobs = [
    holder.held,
    pool.execute("echo", [1]),
    pool.execute("echo", [2]),
  ];
  for (const { status } of await Promise.allSettled(jobs)) {
    assertEquals(status, "rejected");
  }
});
