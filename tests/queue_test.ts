// The queue: its capacity, what happens when it is full, and ready().
import {
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(
  size: number,
  capacity: number,
  whenFull?: "wait" | "reject",
): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/gates.ts", import.meta.url);
  const queue = { capacity, whenFull };
  return new ThreadPool<typeof jobs>({ module, size, queue });
}

/** Lets all that is due, and needs no other thread, happen. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((r) => setTimeout(r));
}

for (const [size, capacity] of [[1, 0], [1, 3], [2, 0], [2, 5]]) {
  poolTest(
    `"reject" accepts size + capacity jobs at once (size ${size}, capacity ${capacity})`,
    async () => {
      await using pool = makePool(size, capacity, "reject");
      for (let round = 0; round < 3; round++) {
        using gate = new Gate();
        const accepted = Array.from(
          { length: size + capacity },
          () => pool.execute("passGate", [gate.key]),
        );
        const error = await assertRejects(
          () => pool.execute("passGate", [gate.key]),
          QueueFullError,
        );
        assertStringIncludes(error.message, String(capacity));
        // Also once the workers run.
        await gate.arrived(size);
        await assertRejects(
          () => pool.execute("passGate", [gate.key]),
          QueueFullError,
        );
        gate.open();
        await Promise.all(accepted);
        assertEquals(gate.count, size + capacity);
      }
    },
  );
}

poolTest('"reject" accepts again once a job has ended', async () => {
  await using pool = makePool(1, 0, "reject");
  for (let i = 0; i < 20; i++) {
    const result = pool.execute("echo", [i]);
    await assertRejects(() => pool.execute("echo", [i]), QueueFullError);
    assertEquals(await result, i);
  }
});

poolTest(
  '"reject" accepts again once a job in the queue is aborted',
  async () => {
    await using pool = makePool(1, 1, "reject");
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    const controller = new AbortController();
    const queued = pool.execute("echo", [1], controller);
    await assertRejects(() => pool.execute("echo", [2]), QueueFullError);
    controller.abort("no longer");
    await queued.catch(() => {});
    const next = pool.execute("echo", [3]);
    gate.open();
    await held;
    assertEquals(await next, 3);
  },
);

poolTest('"reject" without a capacity never refuses', async () => {
  await using pool = new ThreadPool({ size: 1, queue: { whenFull: "reject" } });
  const results = Array.from(
    { length: 3_000 },
    (_, i) => pool.execute((i: number) => i, [i]),
  );
  assertEquals((await Promise.all(results)).length, 3_000);
});

poolTest("a refused job is not counted and never runs", async () => {
  await using pool = makePool(1, 0, "reject");
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  using runs = new Gate();
  await assertRejects(() => pool.execute("arrive", [runs.key]), QueueFullError);
  gate.open();
  await held;
  await pool.execute("echo", [1]);
  const { completed, failed } = pool.stats();
  assertEquals([runs.count, completed, failed], [0, 2, 0]);
});

poolTest('"wait" accepts always', async () => {
  await using pool = makePool(1, 0, "wait");
  const results = Array.from(
    { length: 50 },
    (_, i) => pool.execute("echo", [i]),
  );
  assertEquals(
    await Promise.all(results),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

poolTest("ready() resolves at once while there is room", async () => {
  await using pool = makePool(1, 1);
  await pool.ready();
  await Promise.all([pool.ready(), pool.ready()]);
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await pool.ready();
  gate.open();
  await held;
  await using unbounded = new ThreadPool(1);
  await unbounded.ready();
});

poolTest("ready() waits while the queue is full", async () => {
  await using pool = makePool(1, 1);
  using gate = new Gate();
  const held = [gate.key, gate.key].map((key) =>
    pool.execute("passGate", [key])
  );
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await gate.arrived();
  await turns();
  assertEquals(isReady, false);
  gate.open();
  await ready;
  await Promise.all(held);
});

poolTest(
  "those who wait in ready() are released one at a time, in order",
  async () => {
    await using pool = makePool(1, 0);
    const order: number[] = [];
    const gates = Array.from({ length: 6 }, () => new Gate());
    const results: Promise<void>[] = [
      pool.execute("passGate", [gates[0].key]),
    ];
    const waiters = gates.slice(1).map(async (gate, i) => {
      await pool.ready();
      order.push(i + 1);
      results.push(pool.execute("passGate", [gate.key]));
    });
    for (const [i, gate] of gates.entries()) {
      await gate.arrived();
      await turns();
      assertEquals(order, [1, 2, 3, 4, 5].slice(0, i));
      gate.open();
    }
    await Promise.all(waiters);
    await Promise.all(results);
  },
);

for (const whenFull of ["wait", "reject"] as const) {
  poolTest(
    `many producers that await ready() never exceed size + capacity ("${whenFull}")`,
    async () => {
      const [size, capacity] = [2, 3];
      await using pool = makePool(size, capacity, whenFull);
      let outstanding = 0;
      let most = 0;
      async function produce(): Promise<void> {
        for (let i = 0; i < 50; i++) {
          await pool.ready();
          most = Math.max(most, ++outstanding);
          await pool.execute("echo", [i]).finally(() => outstanding--);
        }
      }
      await Promise.all(Array.from({ length: 12 }, produce));
      assertLessOrEqual(most, size + capacity);
    },
  );
}

poolTest(
  "those who call ready() at the same time are released one at a time",
  async () => {
    await using pool = makePool(1, 0, "reject");
    using gate = new Gate();
    let submitted = 0;
    const producers = Promise.allSettled(Array.from({ length: 4 }, async () => {
      await pool.ready();
      submitted++;
      await pool.execute("passGate", [gate.key]);
    }));
    await gate.arrived();
    await turns();
    assertEquals(submitted, 1);
    gate.open();
    for (const { status } of await producers) assertEquals(status, "fulfilled");
  },
);

poolTest(
  "a waiter that does not use its room leaves it to the next",
  async () => {
    await using pool = makePool(1, 0);
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    const ready = Promise.all([pool.ready(), pool.ready(), pool.ready()]);
    gate.open();
    await held;
    await ready;
  },
);

poolTest(
  "ready() rejects once the pool is closed, also for those who wait",
  async () => {
    const pool = makePool(1, 0);
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    const waiting = [pool.ready(), pool.ready()];
    const closed = pool.close();
    for (const ready of waiting) {
      await assertRejects(() => ready, PoolClosedError);
    }
    await assertRejects(() => pool.ready(), PoolClosedError);
    gate.open();
    await held;
    await closed;
    await assertRejects(() => pool.ready(), PoolClosedError);
  },
);

poolTest(
  "ready() rejects once the pool is terminated, also for those who wait",
  async () => {
    const pool = makePool(1, 0);
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    const waiting = [pool.ready(), pool.ready()];
    const terminated = pool.terminate("enough");
    for (const ready of [held, ...waiting]) {
      const error = await assertRejects(() => ready, PoolTerminatedError);
      assertEquals(error.cause, "enough");
    }
    await assertRejects(() => pool.ready(), PoolTerminatedError);
    await terminated;
  },
);

poolTest(
  "a long job holds up none that came after it while another worker idles",
  async () => {
    await using pool = makePool(2, Infinity);
    const warm = Array.from(
      { length: 200 },
      (_, i) => pool.execute("echo", [i]),
    );
    await Promise.all(warm);
    for (let round = 0; round < 5; round++) {
      using gate = new Gate();
      const long = pool.execute("blockAtGate", [gate.key]);
      const quick = Array.from(
        { length: 100 },
        (_, i) => pool.execute("echo", [i]),
      );
      // They end although the gate is closed.
      await Promise.all(quick);
      gate.open();
      await long;
    }
  },
);

poolTest(
  "results of quick jobs arrive though a long one follows them on their worker",
  async () => {
    await using pool = makePool(1, Infinity);
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => pool.execute("echo", [i])),
    );
    for (let round = 0; round < 5; round++) {
      using gate = new Gate();
      const quick = Array.from(
        { length: 20 },
        (_, i) => pool.execute("echo", [i % 2 ? i : [i, new Map([[i, i]])]]),
      );
      const long = pool.execute("blockAtGate", [gate.key]);
      await Promise.all(quick);
      gate.open();
      await long;
    }
  },
);
