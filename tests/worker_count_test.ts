// Workers start on demand, one at a time, and never more than the size.
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { countWorkers, liveWorkers, poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/gates.ts", import.meta.url);

function makePool(size: number): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({ module, size });
}

/** Counts how many workers are made, and in which turn of the event loop. */
function watchCreation() {
  const RealWorker = globalThis.Worker;
  const counts = { made: 0, mostInATurn: 0 };
  let inThisTurn = 0;
  globalThis.Worker = class extends RealWorker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      counts.made++;
      inThisTurn++;
      counts.mostInATurn = Math.max(counts.mostInATurn, inThisTurn);
      // Timers, of this one too, wait for the next turn.
      setTimeout(() => inThisTurn = 0);
    }
  };
  return Object.assign(counts, {
    [Symbol.dispose]: () => void (globalThis.Worker = RealWorker),
  });
}

poolTest("no worker is there before the first job", async () => {
  const before = await liveWorkers();
  await using pool = makePool(4);
  await pool.ready();
  await pool.drain();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(await liveWorkers(), before);
  assertEquals(pool.stats().size, 0);
});

poolTest("jobs that follow each other use one worker", async () => {
  await using pool = makePool(4);
  using made = watchCreation();
  for (let i = 0; i < 200; i++) await pool.execute("echo", [i]);
  assertEquals(made.made, 1);
  assertEquals(await countWorkers(), 1);
});

poolTest("two jobs at once use two workers", async () => {
  await using pool = makePool(4);
  using gate = new Gate();
  const held = [gate.key, gate.key].map((key) =>
    pool.execute("passGate", [key])
  );
  await gate.arrived(2);
  assertEquals(pool.stats().size, 2);
  gate.open();
  await Promise.all(held);
});

poolTest("many jobs use as many workers as the size, and no more", async () => {
  await using pool = makePool(3);
  using made = watchCreation();
  using gate = new Gate();
  const held = Array.from(
    { length: 20 },
    () => pool.execute("passGate", [gate.key]),
  );
  await gate.arrived(3);
  assertEquals(await countWorkers(), 3);
  gate.open();
  await Promise.all(held);
  assertEquals([made.made, gate.count], [3, 20]);
});

poolTest("at most one worker is made in a turn of the event loop", async () => {
  await using pool = makePool(4);
  using made = watchCreation();
  using gate = new Gate();
  const held = Array.from(
    { length: 8 },
    () => pool.execute("passGate", [gate.key]),
  );
  assertLessOrEqual(made.made, 1);
  await gate.arrived(4);
  gate.open();
  await Promise.all(held);
  assertEquals([made.made, made.mostInATurn], [4, 1]);
});

poolTest(
  "at most one worker is made in a turn when several have died",
  async () => {
    await using pool = makePool(4);
    using gate = new Gate();
    const held = Array.from(
      { length: 4 },
      () => pool.execute("passGate", [gate.key]),
    );
    await gate.arrived(4);
    using made = watchCreation();
    const dying = Promise.allSettled(
      Array.from({ length: 4 }, () =>
        pool.execute(() => {
          self.close();
          return new Promise(() => {});
        })),
    );
    const others = Array.from(
      { length: 8 },
      (_, i) => pool.execute("echo", [i]),
    );
    gate.open();
    await Promise.all(held);
    for (const { status } of await dying) assertEquals(status, "rejected");
    await Promise.all(others);
    assertLessOrEqual(made.mostInATurn, 1);
  },
);

poolTest("workers are used again", async () => {
  await using pool = makePool(2);
  using made = watchCreation();
  for (let round = 0; round < 5; round++) {
    using gate = new Gate();
    const held = [gate.key, gate.key].map((key) =>
      pool.execute("passGate", [key])
    );
    await gate.arrived(2);
    gate.open();
    await Promise.all(held);
  }
  assertEquals(made.made, 2);
});

poolTest("both of two workers get work", async () => {
  await using pool = makePool(2);
  using gate = new Gate();
  const held = [gate.key, gate.key].map((key) =>
    pool.execute("passGate", [key])
  );
  await gate.arrived(2);
  gate.open();
  await Promise.all(held);
  const names = await Promise.all(
    Array.from({ length: 400 }, () =>
      pool.execute(() => {
        const end = performance.now() + 0.2;
        while (performance.now() < end);
        return self.name;
      })),
  );
  assertEquals(new Set(names).size, 2);
});
