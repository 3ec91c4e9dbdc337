// Tests of how a pool ends: close() and `await using` finish accepted jobs,
// terminate() and the pool's signal end the pool at once, and drain() waits.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  countedSignal,
  type JobPool,
  makePool,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

/** Checks that all promises reject with PoolTerminatedError and this cause. */
async function assertTerminated(
  promises: Promise<unknown>[],
  cause: unknown,
): Promise<void> {
  for (const reason of await Promise.all(promises.map(reasonOf))) {
    assertInstanceOf(reason, PoolTerminatedError);
    assertStrictEquals(reason.cause, cause);
  }
}

test("execute() after close() rejects with PoolClosedError, before and after the pool has closed", async () => {
  const pool = makePool();
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  const queued = numbersTo(100).map((i) => pool.execute("echo", [i]));
  const closed = pool.close();
  await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
  gate.open();
  await held;
  await closed;
  assertEquals(await Promise.all(queued), numbersTo(100));
  await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
  assertEquals(pool.stats().failed, 0);
});

test("close(), terminate() and disposal can be repeated in any order", async () => {
  for (const first of ["close", "terminate"] as const) {
    for (const isUsed of [true, false]) {
      const pool = makePool();
      if (isUsed) await pool.execute("echo", [1]);
      const ends = [pool[first](), pool[first](), pool[Symbol.asyncDispose]()];
      assertEquals(await Promise.all(ends), Array(3).fill(undefined));
      await Promise.all([pool.close(), pool.terminate("late"), pool.drain()]);
      const Class = first === "close" ? PoolClosedError : PoolTerminatedError;
      await assertRejects(() => pool.execute("echo", [1]), Class);
    }
  }
});

test("close() resolves even if jobs fail", async () => {
  const pool = makePool();
  const failed = assertRejects(() => pool.execute("fail"), RangeError);
  await Promise.all([failed, pool.close()]);
});

test("close() resolves once its last jobs are aborted", async () => {
  const pool = makePool();
  using gate = new Gate();
  const stop = new AbortController();
  const jobs = [1, 2].map(() =>
    reasonOf(pool.execute("passGate", [gate.key], stop))
  );
  await gate.arrived();
  const closed = pool.close();
  stop.abort("no longer");
  assertEquals(await Promise.all(jobs), ["no longer", "no longer"]);
  await closed;
});

test("close() can be called from a job's result, an event and ready()", async () => {
  const first = makePool();
  await first.execute("echo", [1]).then(() => first.close());

  const second = makePool();
  const drained = new Promise<void>((resolve) => {
    second.addEventListener("drain", () => resolve(second.close()));
  });
  await second.execute("echo", [1]);
  await drained;

  const third = makePool();
  await third.ready().then(() => third.close());
});

test("await using closes the pool after its jobs", async () => {
  let result: Promise<unknown>;
  {
    await using pool = makePool();
    result = pool.execute("echo", ["done"]);
  }
  assertEquals(await result, "done");
});

test("drain() resolves at once if no job is queued or running, and for every caller", async () => {
  await using pool = makePool();
  await pool.drain();
  const result = pool.execute("echo", [1]);
  await Promise.all([pool.drain(), pool.drain(), result]);
  await pool.drain();
});

test("drain() also waits for jobs that are submitted while it waits", async () => {
  await using pool = makePool();
  using gate = new Gate();
  using second = new Gate();
  const first = pool.execute("passGate", [gate.key]);
  let isDrained = false;
  const drained = pool.drain().then(() => isDrained = true);
  const next = pool.execute("passGate", [second.key]);
  gate.open();
  await first;
  await second.arrived();
  assert(!isDrained);
  second.open();
  await Promise.all([next, drained]);
});

test("terminate() at any moment of the workers' start rejects all jobs", async () => {
  for (const ms of [undefined, 0, 4, 8, 12, 16, 20, 24]) {
    const pool = makePool({ size: 2 });
    using gate = new Gate();
    const jobs = numbersTo(4).map(() => pool.execute("passGate", [gate.key]));
    const terminated = assertTerminated(jobs, "early");
    // The first time in the same turn as execute().
    if (ms !== undefined) await new Promise((done) => setTimeout(done, ms));
    await pool.terminate("early");
    await terminated;
  }
});

test("terminate() resolves drain(), and keeps its first reason", async () => {
  for (const reason of [undefined, "first"]) {
    const pool = makePool();
    using gate = new Gate();
    const jobs = [1, 2].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived();
    const drained = pool.drain();
    const ends = [pool.terminate(reason), pool.terminate("second")];
    await assertTerminated([...jobs, pool.execute("echo", [1])], reason);
    await Promise.all([drained, ...ends]);
  }
});

test("terminate() keeps results that have arrived", async () => {
  const pool = makePool();
  assertEquals(await pool.execute("echo", [1]), 1);
  const second = pool.execute("echo", [2]).catch((error) => error);
  await pool.terminate();
  // The job may have ended just before, but it settles in any case.
  const result = await second;
  if (result !== 2) assertInstanceOf(result, PoolTerminatedError);
});

test("terminate() can be called from a job's result and from events", async () => {
  const ways: Record<string, (pool: JobPool) => void> = {
    "a result": (pool) =>
      void pool.execute("echo", [0]).then(() => pool.terminate()),
  };
  for (const type of ["jobstart", "jobend", "workerstart", "drain"] as const) {
    ways[type] = (pool) =>
      pool.addEventListener(type, () => pool.terminate(type));
  }
  for (const [what, prepare] of Object.entries(ways)) {
    const pool = makePool({ size: 2 });
    prepare(pool);
    const jobs = numbersTo(5).map((i) => pool.execute("echo", [i]));
    for (const result of await Promise.allSettled(jobs)) {
      if (result.status === "fulfilled") continue;
      assertInstanceOf(result.reason, PoolTerminatedError, what);
    }
    await pool.close();
    const { size, queued, running } = pool.stats();
    assertEquals([size, queued, running], [0, 0, 0], what);
  }
});

test("a pool's signal terminates it with the signal's reason, even if its jobs have the same signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const pool = makePool({ signal });
  using gate = new Gate();
  const jobs = numbersTo(3).map(() => pool.execute("passGate", [gate.key]));
  const own = numbersTo(3).map(() =>
    reasonOf(pool.execute("passGate", [gate.key], { signal }))
  );
  await gate.arrived();
  const reason = new RangeError("no longer");
  controller.abort(reason);
  await assertTerminated([...jobs, pool.execute("echo", [1])], reason);
  for (const error of await Promise.all(own)) {
    assertStrictEquals((error as Error).cause ?? error, reason);
  }
  await pool.close();
});

test("a pool whose signal is already aborted accepts no jobs", async () => {
  const signal = AbortSignal.abort("too late");
  await using pool = new ThreadPool({ size: 1, signal });
  await assertTerminated([pool.execute(() => 1), pool.ready()], "too late");
  assertEquals(pool.stats().size, 0);
});

test("a pool's signal has no listeners once the pool has ended", async () => {
  const { signal, listeners } = countedSignal();
  for (const end of ["close", "terminate"] as const) {
    const pool = new ThreadPool({ size: 1, signal });
    await pool.execute(() => 1);
    assertEquals(listeners.size, 1);
    await pool[end]();
    assertEquals(listeners.size, 0);
  }
});

test("terminate() of many pools leaves no workers", async () => {
  for (let i = 0; i < 6; i++) {
    const pools = numbersTo(4).map(() => makePool());
    const results = pools.map((pool) => pool.execute("echo", [i]));
    const settled = Promise.allSettled(results);
    if (i % 2) await results[0];
    await Promise.all(pools.map((pool) => pool.terminate()));
    await settled;
  }
});
