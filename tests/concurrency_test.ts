// Several asynchronous jobs are in progress in one worker at once.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerCrashedError } from "@spindle/thread-pool";
import { fill, makePool, readyPool, turns } from "./concurrent_pool.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

poolTest(
  "as many jobs are in progress as the workers may have, and one more waits",
  async () => {
    await using pool = makePool(2, 3);
    using full = await fill(pool, 6);
    using gate = new Gate();
    const seventh = pool.execute("passGate", [gate.key]);
    await turns();
    const { busy, queued, running } = pool.stats();
    assertEquals([busy, queued, running, gate.count], [2, 1, 6, 0]);
    full.gate.open();
    await gate.arrived();
    gate.open();
    await seventh;
    const workers = (await Promise.all(full.held)).sort();
    assertEquals(workers, [1, 1, 1, 2, 2, 2]);
  },
);

poolTest("a place that is free is taken at once", async () => {
  await using pool = makePool(1, 3);
  using first = new Gate();
  const short = pool.execute("passGate", [first.key]);
  using full = await fill(pool, 2);
  using gate = new Gate();
  const next = pool.execute("passGate", [gate.key]);
  first.open();
  await short;
  await gate.arrived();
  assertEquals(pool.stats().running, 3);
  gate.open();
  await next;
  full.gate.open();
  await Promise.all(full.held);
});

poolTest("no worker ever has more in progress than it may have", async () => {
  await using pool = makePool(2, 3);
  const counts = await Promise.all(
    Array.from({ length: 60 }, (_, i) => pool.execute("countCompany", [i % 3])),
  );
  assertEquals(Math.max(...counts), 3);
});

poolTest("jobs go to the worker that has fewest", async () => {
  await using pool = await readyPool(2, 3);
  // Each is in progress before the next is submitted.
  const held: Awaited<ReturnType<typeof fill>>[] = [];
  for (let i = 0; i < 6; i++) {
    held.push(await fill(pool, 1));
  }
  const workers: number[] = [];
  for (const { gate, held: [job] } of held) {
    gate.open();
    workers.push(await job);
  }
  for (let i = 0; i < 6; i += 2) {
    assertEquals(workers.slice(i, i + 2).sort(), [1, 2]);
  }
});

poolTest(
  "with a concurrency of 1 each job has its worker to itself, in order",
  async () => {
    await using pool = makePool(1, 1);
    const counts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        return pool.execute("countCompany", [i % 2]);
      }),
    );
    assertEquals(Math.max(...counts), 1);
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    const noted = await Promise.all(
      numbers.map((i) => pool.execute("noteStart", [i])),
    );
    for (const i of numbers) assertEquals(noted[i], numbers.slice(0, i + 1));
  },
);

poolTest("jobs start in their order, however they end", async () => {
  await using pool = makePool(1, 4);
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const noted = await Promise.all(
    numbers.map((i) => pool.execute("noteStart", [i])),
  );
  const last = noted.reduce((a, b) => a.length > b.length ? a : b);
  assertEquals(last, numbers);
});

poolTest("currentJob() is each one's own, wherever it has waited", async () => {
  await using pool = makePool(2, 8);
  using gate = new Gate();
  const held = Array.from(
    { length: 40 },
    (_, i) => pool.execute("lookAround", [gate.key, i]),
  );
  // The rest begins when others have ended.
  await gate.arrived(16);
  gate.open();
  for (const [i, seen] of (await Promise.all(held)).entries()) {
    assertEquals(seen, [`${i + 1} lookAround true`]);
  }
});

poolTest("an abort reaches the job that it is meant for, alone", async () => {
  await using pool = makePool(1, 3);
  using gate = new Gate();
  using aborts = new Gate();
  const controllers = [0, 1, 2].map(() => new AbortController());
  const results = controllers.map((controller) => {
    return pool.execute("noteAbort", [gate.key, aborts.key], controller);
  });
  await gate.arrived(3);
  controllers[1].abort(new Error("no longer"));
  await assertRejects(() => results[1], Error, "no longer");
  await aborts.arrived();
  gate.open();
  assertEquals(await Promise.all([results[0], results[2]]), [false, false]);
  assertEquals(aborts.count, 1);
});

poolTest("a job that is aborted keeps its place until it ends", async () => {
  await using pool = makePool(1, 2);
  using gate = new Gate();
  const controller = new AbortController();
  const aborted = pool.execute("passGate", [gate.key], controller);
  using other = await fill(pool, 1);
  await gate.arrived();
  controller.abort(new Error("no longer"));
  await assertRejects(() => aborted, Error, "no longer");
  using third = new Gate();
  const waiting = pool.execute("arrive", [third.key]);
  await turns();
  assertEquals(third.count, 0);
  gate.open();
  await waiting;
  other.gate.open();
  await Promise.all(other.held);
});

poolTest(
  "a crash rejects all that its worker had in progress, and another does the rest",
  async () => {
    await using pool = makePool(1, 3);
    using full = await fill(pool, 2);
    using gate = new Gate();
    const crash = pool.execute("crashAtGate", [gate.key]);
    await gate.arrived();
    using runs = new Gate();
    const rest = Array.from(
      { length: 5 },
      () => pool.execute("arrive", [runs.key]),
    );
    gate.open();
    for (const result of [crash, ...full.held]) {
      const error = await assertRejects(() => result, WorkerCrashedError);
      assert(error.started);
    }
    await Promise.all(rest);
    const { crashed, failed, completed } = pool.stats();
    assertEquals([crashed, failed, completed], [1, 3, 5]);
    assertEquals(runs.count, 5);
  },
);

poolTest("a crash leaves what other workers have in progress", async () => {
  await using pool = await readyPool(2, 3);
  using gate = new Gate();
  const crash = pool.execute("crashAtGate", [gate.key]);
  await gate.arrived();
  using full = await fill(pool, 5);
  gate.open();
  await assertRejects(() => crash, WorkerCrashedError);
  full.gate.open();
  const endings = await Promise.allSettled(full.held);
  const lost = endings.filter(({ status }) => status === "rejected");
  assertEquals([endings.length, lost.length], [5, 2]);
});

poolTest("results of all kinds come in the order of their ends", async () => {
  await using pool = makePool(1, 8);
  const expected: Record<string, (i: number) => unknown> = {
    nothing: () => undefined,
    number: (i) => i,
    text: (i) => `${i}`.repeat(1_000),
    object: (i) => ({ i }),
    map: (i) => new Map([[i, i]]),
    bytes: (i) => new Uint8Array([i]),
    error: (i) => `RangeError: ${i}`,
  };
  const order: string[] = [];
  const waiting = Object.keys(expected).map((kind, i) => {
    const gate = new Gate();
    const result = pool.execute("endAtGate", [kind, i, gate.key])
      .catch(String)
      .then((value) => {
        order.push(kind);
        assertEquals(value, expected[kind](i));
      });
    return { gate, result };
  });
  for (const { gate, result } of waiting.reverse()) {
    await gate.arrived();
    gate.open();
    await result;
  }
  assertEquals(order, Object.keys(expected).reverse());
});

poolTest(
  "results of many that end in any order go to their promises",
  async () => {
    await using pool = makePool(2, 7);
    const later = async (i: number) => {
      await new Promise((resolve) => setTimeout(resolve, (i * 7) % 5));
      return [i, `${i}`, { i }, new Map([[i, i]])][i % 4];
    };
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => pool.execute(later, [i])),
    );
    for (const [i, result] of results.entries()) {
      assertEquals(result, [i, `${i}`, { i }, new Map([[i, i]])][i % 4]);
    }
  },
);
