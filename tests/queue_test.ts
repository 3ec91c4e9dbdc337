// The queue: its capacity, what happens when it is full, and ready().
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotStrictEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  JobDiscardedError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  type QueueOptions,
  type Sender,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
} from "@spindle/thread-pool";
import { whichWorker as whichThread } from "./fixtures/jobs.ts";
import { Gate } from "./gate.ts";
import {
  type JobPool,
  makePool as makeAnyPool,
  numbersTo,
  reasonOf,
  turns,
  warmUp,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";
import { readAll, tcpPair } from "./sockets.ts";
import { poolUntyped } from "./untyped.ts";

function makePool(
  capacity: number,
  whenFull?: QueueOptions["whenFull"],
  options: ThreadPoolOptions = {},
): JobPool {
  return makeAnyPool({ queue: { capacity, whenFull }, ...options });
}

/** Runs a job that holds a worker until the gate is open. */
async function holdWorker(pool: JobPool) {
  const gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const release = async () => {
    gate.open();
    await held;
  };
  return { held, release, [Symbol.dispose]: () => gate.open() };
}

for (const [size, capacity] of [[1, 0], [2, 5]]) {
  test(`whenFull "reject": size + capacity jobs are accepted at once (size ${size}, capacity ${capacity})`, async () => {
    await using pool = makePool(capacity, "reject", { size });
    for (let round = 0; round < 3; round++) {
      using gate = new Gate();
      const execute = () => pool.execute("passGate", [gate.key]);
      const accepted = numbersTo(size + capacity).map(execute);
      await assertRejects(execute, QueueFullError, `${capacity}`);
      // Also when the workers run.
      await gate.arrived(size);
      await assertRejects(execute, QueueFullError);
      gate.open();
      await Promise.all(accepted);
      assertEquals(gate.count, size + capacity);
    }
    const { completed, failed } = pool.stats();
    assertEquals([completed, failed], [3 * (size + capacity), 0]);
  });
}

test('whenFull "reject": jobs are accepted again when a job has ended or left the queue', async () => {
  await using pool = makePool(1, "reject");
  const execute = (i: number, options = {}) =>
    pool.execute("echo", [i], options);
  for (let i = 0; i < 20; i++) {
    const results = [execute(i), execute(i)];
    await assertRejects(() => execute(i), QueueFullError);
    assertEquals(await Promise.all(results), [i, i]);
  }
  using holder = await holdWorker(pool);
  const stop = new AbortController();
  const queued = reasonOf(execute(1, { signal: stop.signal }));
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await assertRejects(() => execute(2), QueueFullError);
  assertEquals(isReady, false);
  stop.abort("no longer");
  await Promise.all([queued, ready]);
  const next = execute(3);
  await holder.release();
  assertEquals(await next, 3);
});

test("whenFull: a queue without a capacity is never full", async () => {
  for (const whenFull of ["reject", "discard-oldest", "wait"] as const) {
    await using pool = new ThreadPool({ size: 1, queue: { whenFull } });
    const results = numbersTo(1_000).map((i) =>
      pool.execute((i: number) => i, [i])
    );
    assertEquals(await Promise.all(results), numbersTo(1_000));
    await pool.ready();
  }
});

test('whenFull "wait": all jobs are accepted', async () => {
  await using pool = makePool(0, "wait");
  const results = numbersTo(50).map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(results), numbersTo(50));
});

test("ready() resolves at once while there is room", async () => {
  await using pool = makePool(1);
  await Promise.all([pool.ready(), pool.ready()]);
  using holder = await holdWorker(pool);
  await pool.ready();
  await holder.release();
});

test("ready() releases waiting callers one at a time, in order", async () => {
  await using pool = makePool(0);
  const order: number[] = [];
  const gates = numbersTo(6).map(() => new Gate());
  const results = [pool.execute("passGate", [gates[0].key])];
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
});

for (const whenFull of ["wait", "reject"] as const) {
  test(`ready() keeps concurrent callers within size + capacity ("${whenFull}")`, async () => {
    await using pool = makePool(3, whenFull, { size: 2 });
    let outstanding = 0;
    let most = 0;
    const produce = async () => {
      for (let i = 0; i < 50; i++) {
        await pool.ready();
        most = Math.max(most, ++outstanding);
        await pool.execute("echo", [i]).finally(() => outstanding--);
      }
    };
    await Promise.all(numbersTo(12).map(produce));
    assertLessOrEqual(most, 5);
  });
}

test("ready() passes unused room on to the next caller", async () => {
  await using pool = makePool(0);
  using holder = await holdWorker(pool);
  const ready = [pool.ready(), pool.ready(), pool.ready()];
  await holder.release();
  await Promise.all(ready);
});

for (
  const [end, Class] of Object.entries({
    close: PoolClosedError,
    terminate: PoolTerminatedError,
  })
) {
  test(`ready() rejects after ${end}(), also for callers that wait`, async () => {
    const pool = makePool(0);
    using holder = await holdWorker(pool);
    holder.held.catch(() => {});
    const waiting = [reasonOf(pool.ready()), reasonOf(pool.ready())];
    const ended = end === "close" ? pool.close() : pool.terminate("enough");
    for (
      const error of [
        ...await Promise.all(waiting),
        await reasonOf(pool.ready()),
      ]
    ) {
      assertInstanceOf(error, Class);
      if (end === "terminate") assertEquals(error.cause, "enough");
    }
    await holder.release().catch(() => {});
    await ended;
    await assertRejects(() => pool.ready(), Class);
  });
}

test('whenFull "discard-oldest": the jobs that have waited longest reject and never run', async () => {
  await using pool = makePool(3, "discard-oldest");
  using holder = await holdWorker(pool);
  using runs = new Gate();
  const errors: unknown[] = [];
  pool.addEventListener("jobend", ({ detail }) => {
    if (!detail.ok) errors.push(detail.error);
  });
  const jobs = numbersTo(50).map(() => pool.execute("arrive", [runs.key]));
  const discarded = await Promise.all(jobs.slice(0, 47).map(reasonOf));
  for (const error of discarded) {
    assertInstanceOf(error, JobDiscardedError);
    assertMatch(error.message, /"arrive".*capacity is 3/);
  }
  assertEquals(errors, discarded);
  await holder.release();
  await Promise.all(jobs.slice(47));
  assertEquals([runs.count, pool.stats().failed], [3, 47]);
});

test('whenFull "discard-oldest": running jobs are never discarded, and a new job is refused if no job waits', async () => {
  await using pool = makePool(0, "discard-oldest", { concurrency: 2 });
  using first = await holdWorker(pool);
  using second = await holdWorker(pool);
  const error = await reasonOf(pool.execute("echo", [1]));
  assertInstanceOf(error, QueueFullError);
  assertMatch(error.message, /capacity is 0/);
  await Promise.all([first.release(), second.release()]);
});

test('whenFull "discard-oldest": jobs that were sent ahead can be discarded, in order', async () => {
  await using pool = makePool(5, "discard-oldest");
  await warmUp(pool);
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  const results = numbersTo(5).map((i) => pool.execute("echo", [i]));
  await gate.arrived();
  const discarded = reasonOf(results[0]);
  const newest = pool.execute("echo", [5]);
  assertInstanceOf(await discarded, JobDiscardedError);
  gate.open();
  assertEquals(await Promise.all(results.slice(1)), [1, 2, 3, 4]);
  assertEquals(await newest, 5);
  await held;
});

test('whenFull "discard-oldest": a connection in a discarded job is closed', async () => {
  await using pool = makePool(1, "discard-oldest");
  using holder = await holdWorker(pool);
  const { client, server } = await tcpPair();
  const queued = reasonOf(pool.execute("measure", [server]));
  const newest = pool.execute("echo", [1]);
  assertInstanceOf(await queued, JobDiscardedError);
  assertEquals((await readAll(client)).length, 0);
  client.close();
  await holder.release();
  await newest;
});

test('whenFull "discard-oldest": a refused call discards nothing', async () => {
  await using pool = makePool(1, "discard-oldest");
  using holder = await holdWorker(pool);
  const queued = pool.execute("echo", [1]);
  const signal = AbortSignal.abort();
  await assertRejects(() => pool.execute("echo", [() => {}]));
  await assertRejects(() => pool.execute("echo", [2], { signal }));
  await holder.release();
  assertEquals(await queued, 1);
});

test('whenFull "discard-oldest": a jobend listener can call terminate()', async () => {
  const pool = makePool(1, "discard-oldest");
  using holder = await holdWorker(pool);
  pool.addEventListener("jobend", () => pool.terminate(), { once: true });
  const jobs = [1, 2].map((i) => reasonOf(pool.execute("echo", [i])));
  const errors = await Promise.all([reasonOf(holder.held), ...jobs]);
  assertInstanceOf(errors[1], JobDiscardedError);
});

test('whenFull "caller-runs": the caller runs a job only if the queue is full', async () => {
  await using pool = makePool(0, "caller-runs");
  const key = await pool.execute("whichWorker");
  assertNotEquals(key, whichThread());
  using holder = await holdWorker(pool);
  assertEquals(await pool.execute("whichWorker"), whichThread());
  assertEquals(await pool.execute((a: number, b: number) => a + b, [1, 2]), 3);
  await assertRejects(() => pool.execute("fail"), RangeError, "failed");
  await holder.release();
  assertEquals(await pool.execute("whichWorker"), key);
});

test('whenFull "caller-runs": workers get jobs while the caller runs a job', async () => {
  await using pool = makePool(0, "caller-runs");
  const key = await pool.execute("whichWorker");
  using holder = await holdWorker(pool);
  using gate = new Gate();
  const callers = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  await holder.release();
  assertEquals(await pool.execute("whichWorker"), key);
  assertEquals(await pool.execute("whichWorker"), key);
  gate.open();
  await callers;
});

test('whenFull "caller-runs": Sender.ready() resolves in a job that the caller runs', async () => {
  await using pool = makePool(0, "caller-runs");
  await pool.execute("echo", [1]);
  using holder = await holdWorker(pool);
  const callers = pool.execute(async (sender: Sender) => {
    await sender.ready();
    return await sender.execute(() => "done");
  }, [pool.sender()]);
  await holder.release();
  assertEquals(await callers, "done");
});

test('whenFull "caller-runs": a worker does not take over a job that it waits for and the caller runs', async () => {
  await using pool = new ThreadPool({
    size: 1,
    queue: { capacity: 0, whenFull: "caller-runs" },
    maxJobsPerWorker: 2,
  });
  await pool.execute(() => 1);
  const given = await pool.execute(async (sender: Sender) => {
    return await sender.execute(() => 2);
  }, [pool.sender()]);
  // The worker is used up, so this job runs on another worker.
  assertEquals([given, await pool.execute(() => 3)], [2, 3]);
});

test('whenFull "caller-runs": the caller runs no job that fits in the queue', async () => {
  await using pool = makePool(2, "caller-runs");
  const key = await pool.execute("whichWorker");
  using holder = await holdWorker(pool);
  const queued = [1, 2].map(() => pool.execute("whichWorker"));
  using gate = new Gate();
  // When this job ends, the queued jobs can go to any worker.
  assertEquals(await pool.execute("arriveThenGive", [gate.key, 30, 1]), 1);
  await holder.release();
  assertEquals(await Promise.all(queued), [key, key]);
});

test('whenFull "caller-runs": values are cloned or moved, and never shared', async () => {
  await using pool = makePool(0, "caller-runs");
  using holder = await holdWorker(pool);
  const argument = { list: [1, 2] };
  const result = await pool.execute("echo", [argument]);
  assertEquals(result, argument);
  assertNotStrictEquals(result, argument);
  const bytes = new Uint8Array(4);
  const filled = await pool.execute("fill", [bytes, 7]);
  assertEquals([bytes[0], filled[0]], [0, 7]);
  const moved = pool.execute("fill", [transfer(bytes), 8]);
  assertEquals([bytes.length, (await moved)[3]], [0, 8]);

  const { client, server } = await tcpPair();
  const measured = pool.execute("measure", [server]);
  await client.write(new Uint8Array(5));
  assertEquals(new TextDecoder().decode(await readAll(client)), "5");
  await measured;
  client.close();
  await holder.release();
});

test('whenFull "caller-runs": a job that the caller runs counts, can be aborted, and close() waits for it', async () => {
  const pool = makePool(0, "caller-runs");
  using holder = await holdWorker(pool);
  using gate = new Gate();
  const stop = new AbortController();
  const aborted = reasonOf(pool.execute("passGate", [gate.key], stop));
  let hasEnded = false;
  const here = pool.execute("passGate", [gate.key])
    .then(() => hasEnded = true);
  await gate.arrived(2);
  assertEquals(pool.stats().running, 3);
  stop.abort("no longer");
  assertEquals(await aborted, "no longer");
  await holder.release();
  const closed = pool.close();
  gate.open();
  await closed;
  assert(hasEnded);
  await here;
  const { aborted: count, completed } = pool.stats();
  assertEquals([count, completed], [1, 2]);
});

test('whenFull "caller-runs": terminate() rejects jobs that the caller runs', async () => {
  const pool = makePool(0, "caller-runs");
  using gate = new Gate();
  using holder = await holdWorker(pool);
  const here = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const rejected = [reasonOf(holder.held), reasonOf(here)];
  await pool.terminate("enough");
  await Promise.all(rejected);
});

test('whenFull "caller-runs": options that do not work with it are refused', async () => {
  const queue = { whenFull: "caller-runs" } as const;
  const UNKEPT = {
    timeout: 100,
    hardKill: true,
    memoryLimit: 64,
    permissions: "none",
  };
  for (const [name, value] of Object.entries(UNKEPT)) {
    const make = () => poolUntyped({ queue, [name]: value });
    assertThrows(make, TypeError, `\`${name}\``);
  }
  await using pool = new ThreadPool({ queue, size: 1 });
  const timed = () => pool.execute(() => 1, [], { timeout: 100 });
  await assertRejects(timed, TypeError, "`timeout`");
});
