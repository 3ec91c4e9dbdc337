// What several jobs in progress at once leave as it is: limits, endings, and
// jobs that compute.
import {
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { PoolTerminatedError, QueueFullError } from "@spindle/thread-pool";
import { fill, makePool, readyPool, turns } from "./concurrent_pool.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

poolTest("utilization is of all that may be in progress", async () => {
  await using pool = makePool(1, 4);
  const hold = () => pool.execute(() => new Promise((r) => setTimeout(r, 100)));
  await hold();
  // One of four, at the most all the time; clocks of two threads differ a little.
  assertLess(pool.stats().utilization, 0.26);
  await Promise.all([hold(), hold(), hold(), hold()]);
  const { utilization } = pool.stats();
  assertGreater(utilization, 0.3);
  assertLessOrEqual(utilization, 1);
});

for (const [size, capacity] of [[1, 0], [1, 2], [2, 1]]) {
  poolTest(
    `"reject" counts what may be in progress (size ${size}, capacity ${capacity})`,
    async () => {
      await using pool = makePool(size, 3, { capacity, whenFull: "reject" });
      using full = await fill(pool, 3 * size);
      const queued = Array.from(
        { length: capacity },
        (_, i) => pool.execute("echo", [i]),
      );
      await assertRejects(() => pool.execute("echo", [0]), QueueFullError);
      full.gate.open();
      await Promise.all([...full.held, ...queued]);
      assertEquals(await pool.execute("echo", [1]), 1);
    },
  );
}

poolTest("ready() waits until one of those in progress has ended", async () => {
  await using pool = makePool(1, 2, { capacity: 0 });
  using full = await fill(pool, 2);
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await turns();
  assertEquals(isReady, false);
  full.gate.open();
  await ready;
  await Promise.all(full.held);
});

poolTest("close() and drain() wait for all that is in progress", async () => {
  const pool = makePool(1, 3);
  using full = await fill(pool, 3);
  let ended = 0;
  const drained = pool.drain().then(() => ended++);
  const closed = pool.close().then(() => ended++);
  await turns();
  assertEquals(ended, 0);
  full.gate.open();
  assertEquals(await Promise.all(full.held), [1, 1, 1]);
  await Promise.all([drained, closed]);
});

poolTest(
  "terminate() rejects all that is in progress, and queued",
  async () => {
    const pool = makePool(1, 3);
    using full = await fill(pool, 3);
    const queued = pool.execute("echo", [1]);
    const ended = pool.terminate();
    for (const result of [...full.held, queued]) {
      await assertRejects(() => result, PoolTerminatedError);
    }
    await ended;
  },
);

poolTest("a job that blocks its worker loses no other's result", async () => {
  await using pool = makePool(1, 3);
  using full = await fill(pool, 2);
  using gate = new Gate();
  const blocking = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  full.gate.open();
  gate.open();
  assertEquals(await Promise.all(full.held), [1, 1]);
  await blocking;
});

for (const [kind, value] of Object.entries({ number: 1, Map: new Map() })) {
  poolTest(
    `results arrive while a later job blocks their worker: ${kind}`,
    async () => {
      await using pool = makePool(1, 3);
      using gate = new Gate();
      await pool.execute("echo", [0]);
      const before = [1, 2].map(() => pool.execute("echo", [value]));
      const blocking = pool.execute("blockAtGate", [gate.key]);
      assertEquals(await Promise.all(before), [value, value]);
      await gate.arrived();
      gate.open();
      await blocking;
    },
  );
}

poolTest(
  "what waits behind a job that blocks its worker goes elsewhere",
  async () => {
    await using pool = await readyPool(2, 4);
    using gate = new Gate();
    const blocking = pool.execute("blockAtGate", [gate.key]);
    const others = Array.from({ length: 7 }, (_, i) => {
      return pool.execute("echo", [i]);
    });
    assertEquals(await Promise.all(others), [0, 1, 2, 3, 4, 5, 6]);
    gate.open();
    await blocking;
  },
);

poolTest(
  "a job that blocks its worker and then waits gives way to others",
  async () => {
    await using pool = makePool(1, 3);
    using blocks = new Gate();
    using waits = new Gate();
    const args = [blocks.key, waits.key] as const;
    const first = pool.execute("blockThenPass", [...args]);
    const others = [1, 2, 3].map((i) => pool.execute("echo", [i]));
    await blocks.arrived();
    // By now the others are back in the queue.
    await new Promise((resolve) => setTimeout(resolve, 30));
    blocks.open();
    assertEquals(await Promise.all(others), [1, 2, 3]);
    waits.open();
    await first;
  },
);

poolTest("who listens to jobstart has as many in progress", async () => {
  await using pool = makePool(1, 3);
  let started = 0;
  pool.addEventListener("jobstart", () => started++);
  const counts = await Promise.all(
    Array.from({ length: 6 }, () => pool.execute("countCompany", [5])),
  );
  assertEquals([started, Math.max(...counts)], [6, 3]);
});
