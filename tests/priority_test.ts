// The option `priority` of execute().
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  JobDiscardedError,
  QueueFullError,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  hold,
  type JobPool,
  KIND_NAMES,
  makePool,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

/** Submits one job of each priority, and returns the order in which they end. */
async function orderOf(pool: JobPool, priorities: number[], go: () => void) {
  const order: number[] = [];
  const jobs = priorities.map((priority, i) =>
    pool.execute("echo", [i], { priority }).then(() => order.push(i))
  );
  go();
  await Promise.all(jobs);
  return order;
}

for (const kind of KIND_NAMES) {
  test(`priority: higher priorities start first, equal priorities in the order of their calls (${kind})`, async () => {
    await using pool = makePool({}, kind);
    using holder = await hold(pool);
    const order = await orderOf(pool, [0, 2, -1, 2, 0, 1], holder.open);
    assertEquals(order, [1, 3, 5, 0, 4, 2]);
  });
}

test("priority: asynchronous jobs start in order of priority when several are in progress", async () => {
  await using pool = makePool({ concurrency: 2 });
  using first = await hold(pool);
  using second = await hold(pool);
  const order = await orderOf(pool, [0, 1, 0, 1], first.open);
  assertEquals(order, [1, 3, 0, 2]);
  second.open();
});

test("priority: a job goes before jobs of lower priorities that were sent ahead", async () => {
  await using pool = makePool();
  using gate = new Gate();
  // These show that jobs take over 1 ms: a few are sent ahead, and can be taken back.
  for (const i of numbersTo(30)) {
    await pool.execute("arriveThenGive", [gate.key, 1, i]);
  }
  const order: string[] = [];
  const run = (name: string, priority?: number) =>
    pool.execute("echo", [name], { priority }).then(() => order.push(name));
  using block = new Gate();
  const blocked = pool.execute("blockAtGate", [block.key]);
  const low = numbersTo(3).map(() => run("low"));
  await block.arrived();
  const high = run("high", 1);
  await Promise.resolve();
  // At once, before the worker counts as held.
  block.open();
  await Promise.all([blocked, ...low, high]);
  assertEquals(order, ["high", "low", "low", "low"]);
});

test("priority: a job that moves its arguments goes first, and its arguments arrive", async () => {
  await using pool = makePool();
  using holder = await hold(pool);
  const order: string[] = [];
  const low = pool.execute("echo", [1]).then(() => order.push("low"));
  const bytes = new Uint8Array(100_000).fill(1);
  const high = pool.execute("sum", [bytes], {
    priority: 1,
    transfer: [bytes.buffer],
  }).then((sum) => {
    order.push("high");
    return sum;
  });
  assertEquals(bytes.length, 0);
  holder.open();
  await low;
  assertEquals([await high, order], [100_000, ["high", "low"]]);
});

test("priority: long jobs leave a worker free while jobs of a higher priority arrive", async () => {
  await using pool = makePool({ size: 2 });
  await pool.execute("echo", [0], { priority: 1 });
  using gate = new Gate();
  const low = numbersTo(4).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived();
  // Otherwise both workers would be blocked forever.
  for (const i of numbersTo(20)) {
    assertEquals(await pool.execute("echo", [i], { priority: 1 }), i);
  }
  assertEquals(gate.count, 1);
  gate.open();
  await Promise.all(low);
});

test("priority: long jobs use all workers one second after the last job of a higher priority", async () => {
  await using pool = makePool({ size: 2 });
  await pool.execute("echo", [0], { priority: 1 });
  using gate = new Gate();
  const low = numbersTo(2).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  gate.open();
  await Promise.all(low);
});

test("priority: a pool of one worker keeps no worker free", async () => {
  await using pool = makePool();
  await pool.execute("echo", [0], { priority: 1 });
  using gate = new Gate();
  const low = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  gate.open();
  await low;
});

const FULL: ThreadPoolOptions = {
  queue: { capacity: 2, whenFull: "discard-oldest" },
};

test('priority: "discard-oldest" discards the oldest job of the lowest priority', async () => {
  await using pool = makePool(FULL);
  using holder = await hold(pool);
  const run = (i: number, priority: number) =>
    pool.execute("echo", [i], { priority });
  const high = run(1, 1);
  const low = reasonOf(run(2, 0));
  const next = run(3, 0);
  assert(await low instanceof JobDiscardedError);
  holder.open();
  assertEquals(await Promise.all([high, next]), [1, 3]);
});

test('priority: "discard-oldest" refuses a job of a lower priority than all waiting jobs', async () => {
  await using pool = makePool(FULL);
  using holder = await hold(pool);
  const high = [1, 2].map((i) => pool.execute("echo", [i], { priority: 1 }));
  await assertRejects(() => pool.execute("echo", [3]), QueueFullError);
  holder.open();
  assertEquals(await Promise.all(high), [1, 2]);
});

test("priority: waiting jobs are aborted, counted and terminated like other jobs", async () => {
  await using pool = makePool();
  using holder = await hold(pool);
  const stop = new AbortController();
  const [one, other, last] = [-1, 3, 5].map((priority) =>
    reasonOf(pool.execute("echo", [1], {
      priority,
      signal: priority === 3 ? stop.signal : undefined,
    }))
  );
  assertEquals(pool.stats().queued, 3);
  stop.abort("enough");
  assertEquals([await other, pool.stats().queued], ["enough", 2]);
  const held = reasonOf(holder.job);
  await pool.terminate("the end");
  for (const reason of await Promise.all([one, last, held])) {
    assertEquals((reason as Error).cause, "the end");
  }
});
