// Jobs travel together, and yet none waits for another that is long.
import { assert, assertEquals, assertLess } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/dispatch.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size: number): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/dispatch.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

const RESULTS = {
  numbers: (pool: ThreadPool<typeof jobs>, i: number) =>
    pool.execute("echo", [i]),
  objects: (pool: ThreadPool<typeof jobs>, i: number) =>
    pool.execute("echo", [{ i, list: ["a"] }]),
  Maps: (pool: ThreadPool<typeof jobs>, i: number) =>
    pool.execute("mapOf", [i]),
};

for (const [kind, submit] of Object.entries(RESULTS)) {
  poolTest(
    `results that are ${kind} arrive while a later job blocks their worker`,
    async () => {
      await using pool = makePool(1);
      using gate = new Gate();
      await pool.execute("keepGate", [gate.key]);
      const before = Array.from({ length: 100 }, (_, i) => submit(pool, i));
      const blocking = pool.execute("blockAtKeptGate");
      let behind = 0;
      const after = Array.from(
        { length: 100 },
        (_, i) => submit(pool, i).then(() => behind++),
      );
      await Promise.all(before);
      await gate.arrived();
      assertEquals(behind, 0);
      gate.open();
      await Promise.all([blocking, ...after]);
    },
  );
}

for (const position of [0, 1, 150, 299]) {
  poolTest(
    `a long job at ${position} of 300 holds up none of the others`,
    async () => {
      await using pool = makePool(2);
      await Promise.all([pool.execute("hold", [1]), pool.execute("hold", [1])]);
      using gate = new Gate();
      const jobs = Array.from(
        { length: 300 },
        (_, i) => {
          return i === position
            ? pool.execute("blockAtGate", [gate.key])
            : pool.execute("echo", [i]);
        },
      );
      const [long] = jobs.splice(position, 1);
      await Promise.all(jobs);
      await gate.arrived();
      gate.open();
      await long;
    },
  );
}

poolTest(
  "what waits behind a long job goes elsewhere though the queue never empties",
  async () => {
    await using pool = makePool(2);
    await Promise.all([pool.execute("hold", [1]), pool.execute("hold", [1])]);
    await Promise.all(
      Array.from({ length: 1_000 }, () => pool.execute("echo", [0])),
    );
    const burn = () => pool.execute("burn", [20]);
    const long = pool.execute("hold", [1_000]);
    const behind = Promise.all(Array.from({ length: 250 }, burn));
    let later = 0;
    const backlog = Array.from(
      { length: 20_000 },
      () => burn().then(() => later++),
    );
    await behind;
    assertLess(later, 10_000);
    await Promise.all([long, ...backlog]);
  },
);

poolTest("jobs that travel together start in their order", async () => {
  await using pool = makePool(1);
  const numbers = Array.from({ length: 5_000 }, (_, i) => i);
  await Promise.all(numbers.map((i) => pool.execute("note", [i])));
  assertEquals(await pool.execute("noted"), numbers);
});

poolTest("small jobs share messages", async () => {
  await using pool = makePool(2);
  await pool.execute("echo", [0]);
  let messages = 0;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...args: unknown[]) {
    messages++;
    return Reflect.apply(postMessage, this, args);
  };
  try {
    await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => pool.execute("echo", [i])),
    );
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
  assert(messages > 0);
  assertLess(messages, 1_000);
});

poolTest("a worker's own timers go on under steady load", async () => {
  await using pool = makePool(1);
  await pool.execute("startTicking");
  await Promise.all(
    Array.from({ length: 10_000 }, () => pool.execute("burn", [10])),
  );
  const ticks = await pool.execute("ticked");
  assert(ticks >= 5, `${ticks} ticks`);
});

poolTest("100 000 queued jobs can be aborted at once", async () => {
  await using pool = makePool(1);
  using gate = new Gate();
  await pool.execute("keepGate", [gate.key]);
  const blocking = pool.execute("blockAtKeptGate");
  const controller = new AbortController();
  const { signal } = controller;
  const jobs = Array.from(
    { length: 100_000 },
    (_, i) => pool.execute("note", [i], { signal }),
  );
  const settled = Promise.allSettled(jobs);
  await gate.arrived();
  controller.abort("no longer");
  assertEquals(pool.stats().aborted, 100_000);
  for (const job of await settled) {
    assertEquals(job, { status: "rejected", reason: "no longer" });
  }
  gate.open();
  await blocking;
  assertEquals(await pool.execute("noted"), []);
});
