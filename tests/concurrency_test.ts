// Tests of `concurrency`: one worker runs several asynchronous jobs at once.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import {
  PoolTerminatedError,
  QueueFullError,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  type JobPool,
  makePool as makeAnyPool,
  numbersTo,
  reasonOf,
  turns,
} from "./kinds.ts";
import { eventually, poolTest as test } from "./live_workers.ts";

function makePool(size: number, concurrency: number, options = {}): JobPool {
  return makeAnyPool({ size, concurrency, ...options });
}

/** Starts this many jobs, which return their worker's id once the gate is open. */
async function fill(pool: JobPool, count: number) {
  const gate = new Gate();
  const held = numbersTo(count).map(() =>
    pool.execute("workerAtGate", [gate.key])
  );
  await gate.arrived(count);
  return { held, gate, [Symbol.dispose]: () => gate.open() };
}

/** Returns a pool whose workers have all started and are idle. */
async function readyPool(size: number, concurrency: number): Promise<JobPool> {
  const pool = makePool(size, concurrency);
  const { held, gate } = await fill(pool, size * concurrency);
  gate.open();
  await Promise.all(held);
  return pool;
}

test("concurrency: that many jobs run per worker, and the next job takes the first free place", async () => {
  await using pool = makePool(2, 3);
  using full = await fill(pool, 5);
  using last = new Gate();
  const sixth = pool.execute("workerAtGate", [last.key]);
  await last.arrived();
  using gate = new Gate();
  const seventh = pool.execute("passGate", [gate.key]);
  await turns();
  const { busy, queued, running } = pool.stats();
  assertEquals([busy, queued, running, gate.count], [2, 1, 6, 0]);
  last.open();
  await gate.arrived();
  assertEquals(pool.stats().running, 6);
  full.gate.open();
  gate.open();
  const workers = await Promise.all([...full.held, sixth]);
  assertEquals(workers.sort(), [1, 1, 1, 2, 2, 2]);
  await seventh;
});

test("concurrency: no worker runs more jobs at once, even with a jobstart listener", async () => {
  await using pool = makePool(2, 3);
  let started = 0;
  pool.addEventListener("jobstart", () => started++);
  const counts = numbersTo(60).map((i) =>
    pool.execute("countCompany", [i % 3])
  );
  assertEquals(Math.max(...await Promise.all(counts)), 3);
  assertEquals(started, 60);
});

test("concurrency: jobs go to the worker with the fewest jobs", async () => {
  await using pool = await readyPool(2, 3);
  // On a busy machine, a worker that is slow to answer may be passed over.
  await eventually(async () => {
    // Each job runs before the next is submitted.
    const all: Awaited<ReturnType<typeof fill>>[] = [];
    for (let i = 0; i < 6; i++) all.push(await fill(pool, 1));
    const workers: number[] = [];
    for (const { gate, held: [job] } of all) {
      gate.open();
      workers.push(await job);
    }
    return [0, 2, 4].every((i) => workers[i] !== workers[i + 1]);
  }, () => "Expected jobs to go to both workers in turn");
});

test("concurrency 1: each job has its worker to itself", async () => {
  await using pool = makePool(1, 1);
  const counts = numbersTo(10).map((i) =>
    pool.execute("countCompany", [i % 2])
  );
  assertEquals(Math.max(...await Promise.all(counts)), 1);
});

for (const concurrency of [1, 4]) {
  test(`concurrency ${concurrency}: jobs start in order, in whatever order they end`, async () => {
    await using pool = makePool(1, concurrency);
    const numbers = numbersTo(100);
    await Promise.all(numbers.map((i) => pool.execute("noteLater", [i])));
    assertEquals(await pool.execute("allNoted"), numbers);
  });
}

test("currentJob() is each job's own, after any kind of wait", async () => {
  await using pool = makePool(2, 8);
  using gate = new Gate();
  const held = numbersTo(40).map((i) =>
    pool.execute("lookAround", [gate.key, i])
  );
  // The rest start when these have ended.
  await gate.arrived(16);
  gate.open();
  for (const [i, seen] of (await Promise.all(held)).entries()) {
    assertEquals(seen, [`${i + 1} lookAround true`]);
  }
});

test("an abort reaches only its own job, which keeps its place until it ends", async () => {
  await using pool = makePool(1, 3, { abortGrace: 10_000 });
  using gates = new DisposableStack();
  const [first, second, third] = numbersTo(3).map(() => gates.use(new Gate()));
  const controller = new AbortController();
  const execute = (gate: Gate, options = {}) =>
    pool.execute("isAbortedAtGate", [gate.key], options);
  const aborted = reasonOf(execute(first, { signal: controller.signal }));
  const others = [execute(second), execute(second)];
  await Promise.all([first.arrived(), second.arrived(2)]);
  controller.abort("no longer");
  assertEquals(await aborted, "no longer");
  const waiting = execute(third);
  await turns();
  assertEquals(third.count, 0);
  first.open();
  await third.arrived();
  for (const gate of [second, third]) gate.open();
  assertEquals(await Promise.all([...others, waiting]), [false, false, false]);
});

test("a crash rejects all jobs that its worker was running, and another worker runs the rest", async () => {
  await using pool = makePool(1, 3);
  using full = await fill(pool, 2);
  using gate = new Gate();
  const crash = pool.execute("closeAtGate", [gate.key]);
  await gate.arrived();
  using runs = new Gate();
  const rest = numbersTo(5).map(() => pool.execute("arrive", [runs.key]));
  gate.open();
  for (const result of [crash, ...full.held]) {
    const error = await assertRejects(() => result, WorkerCrashedError);
    assert(error.started);
  }
  await Promise.all(rest);
  const { crashed, failed, completed } = pool.stats();
  assertEquals([crashed, failed, completed, runs.count], [1, 3, 5, 5]);
});

test("a crash does not affect jobs that other workers run", async () => {
  await using pool = await readyPool(2, 3);
  using gate = new Gate();
  const crash = pool.execute("closeAtGate", [gate.key]);
  await gate.arrived();
  using full = await fill(pool, 5);
  gate.open();
  await assertRejects(() => crash, WorkerCrashedError);
  full.gate.open();
  const endings = await Promise.allSettled(full.held);
  const lost = endings.filter(({ status }) => status === "rejected");
  assertEquals([endings.length, lost.length], [5, 2]);
});

/** Returns one of several kinds of results. */
const resultOf = (i: number) =>
  [undefined, i, `${i}`.repeat(1_000), { i }, new Map([[i, i]])][i % 5];

test("execute() resolves jobs of one worker in the order in which they end", async () => {
  await using pool = makePool(1, 8);
  const order: number[] = [];
  const waiting = numbersTo(6).map((i) => {
    const gate = new Gate();
    const value = i === 5 ? new Uint8Array([i]) : resultOf(i);
    const result = pool.execute("giveAtGate", [gate.key, value]).then(
      (seen) => {
        order.push(i);
        assertEquals(seen, value);
      },
    );
    return { gate, result };
  });
  for (const { gate, result } of waiting.reverse()) {
    await gate.arrived();
    gate.open();
    await result;
  }
  assertEquals(order, [5, 4, 3, 2, 1, 0]);
});

test("execute() resolves each of many jobs that end in any order with its own result", async () => {
  await using pool = makePool(2, 7);
  using gate = new Gate();
  const results = numbersTo(1_000).map((i) =>
    pool.execute("arriveThenGive", [gate.key, (i * 7) % 5, resultOf(i)])
  );
  assertEquals(await Promise.all(results), numbersTo(1_000).map(resultOf));
});

test("stats().utilization is relative to all jobs that can run at once", async () => {
  await using pool = makePool(1, 4);
  using gate = new Gate();
  const hold = () => pool.execute("arriveThenGive", [gate.key, 100, 1]);
  await hold();
  // One of four places at most; the clocks of two threads differ a little.
  assertLess(pool.stats().utilization, 0.26);
  await Promise.all([hold(), hold(), hold(), hold()]);
  const { utilization } = pool.stats();
  assertGreater(utilization, 0.3);
  assertLessOrEqual(utilization, 1);
});

for (const [size, capacity] of [[1, 0], [2, 1]]) {
  test(`whenFull "reject" and ready() count the jobs that can run at once (size ${size}, capacity ${capacity})`, async () => {
    await using pool = makePool(size, 3, {
      queue: { capacity, whenFull: "reject" },
    });
    using full = await fill(pool, 3 * size);
    const queued = numbersTo(capacity).map((i) => pool.execute("echo", [i]));
    await assertRejects(() => pool.execute("echo", [0]), QueueFullError);
    let isReady = false;
    const ready = pool.ready().then(() => isReady = true);
    await turns();
    assertEquals(isReady, false);
    full.gate.open();
    await ready;
    await Promise.all([...full.held, ...queued]);
  });
}

test("close() and drain() wait for all running jobs", async () => {
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

test("terminate() rejects all running and queued jobs", async () => {
  const pool = makePool(1, 3);
  using full = await fill(pool, 3);
  const queued = pool.execute("echo", [1]);
  const ended = pool.terminate();
  for (const result of [...full.held, queued]) {
    await assertRejects(() => result, PoolTerminatedError);
  }
  await ended;
});

test("a job that blocks its worker loses no other job's result, and lets others run once it awaits", async () => {
  await using pool = makePool(1, 4);
  using full = await fill(pool, 2);
  using blocks = new Gate();
  using waits = new Gate();
  const before = [1, new Map()].map((value) => pool.execute("echo", [value]));
  const args = [blocks.key, waits.key] as const;
  const blocking = pool.execute("blockThenPass", [...args]);
  const after = [1, 2, 3].map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(before), [1, new Map()]);
  await blocks.arrived();
  // By now the jobs behind it are back in the queue.
  await new Promise((resolve) => setTimeout(resolve, 30));
  full.gate.open();
  blocks.open();
  assertEquals(await Promise.all(after), [1, 2, 3]);
  assertEquals(await Promise.all(full.held), [1, 1]);
  waits.open();
  await blocking;
});

test("jobs behind a job that blocks its worker go to another worker", async () => {
  await using pool = await readyPool(2, 4);
  using gate = new Gate();
  const blocking = pool.execute("blockAtGate", [gate.key]);
  const others = numbersTo(7).map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(others), numbersTo(7));
  gate.open();
  await blocking;
});
