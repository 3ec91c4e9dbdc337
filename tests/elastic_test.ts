// Tests of elastic pools, which start workers ahead, grow as jobs need and shrink
// later. Also tests start() and resize() of any pool.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerStartError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  hold,
  type JobPool,
  KIND_NAMES,
  makePool,
  nextEvent,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { eventually } from "./live_workers.ts";
import { moduleOf, test } from "./pools.ts";

/** Returns the numbers of all workers, of idle workers and of busy workers. */
const sizes = (pool: JobPool) => {
  const { size, idle, busy } = pool.stats();
  return [size, idle, busy];
};

/** Counts the workers that start and stop. */
function watchWorkers(pool: JobPool) {
  const counts = { started: 0, stopped: 0 };
  pool.addEventListener("workerstart", () => counts.started++);
  pool.addEventListener("workerstop", () => counts.stopped++);
  return counts;
}

/** Waits until a pool has this many workers. */
const hasSize = (pool: JobPool, size: number) =>
  eventually(
    () => pool.stats().size === size,
    () => `Expected ${size} workers, found ${pool.stats().size}`,
  );

/** Occupies this many workers at once, and returns a function that releases them. */
async function occupy(pool: JobPool, count: number) {
  const doors: Awaited<ReturnType<typeof hold>>[] = [];
  for (let i = 0; i < count; i++) doors.push(await hold(pool));
  return async () => {
    for (const { open } of doors) open();
    await Promise.all(doors.map(({ job }) => job));
  };
}

for (const kind of KIND_NAMES) {
  test(`size: min workers start without a job, and start() resolves when they are ready (${kind})`, async () => {
    await using pool = makePool({ size: { min: 2, max: 3 } }, kind);
    const counts = watchWorkers(pool);
    await pool.start();
    assertEquals(sizes(pool), [2, 2, 0]);
    await pool.start();
    assertEquals(counts, { started: 2, stopped: 0 });
  });

  test(`start() starts all workers of a fixed size (${kind})`, async () => {
    await using pool = makePool({ size: 2 }, kind);
    assertEquals(sizes(pool), [0, 0, 0]);
    await pool.start();
    assertEquals(sizes(pool), [2, 2, 0]);
  });

  test(`size: a pool grows as jobs need, and shrinks to min after idleTimeout (${kind})`, async () => {
    const options = { size: { min: 1, max: 3 }, idleTimeout: 20 };
    await using pool = makePool(options, kind);
    const counts = watchWorkers(pool);
    const open = await occupy(pool, 3);
    assertEquals(sizes(pool), [3, 0, 3]);
    await open();
    await hasSize(pool, 1);
    await eventually(() => counts.stopped === 2, () => `${counts.stopped}`);
    assertEquals([sizes(pool), counts], [[1, 1, 0], {
      started: 3,
      stopped: 2,
    }]);
    assertEquals(await pool.execute("echo", [1]), 1);
  });

  test(`size: with min 0 no worker stays, and the next job starts one (${kind})`, async () => {
    const options = { size: { max: 2 }, idleTimeout: 1 };
    await using pool = makePool(options, kind);
    await pool.start();
    assertEquals(sizes(pool), [0, 0, 0]);
    for (let i = 0; i < 2; i++) {
      assertEquals(await pool.execute("echo", [i]), i);
      await hasSize(pool, 0);
    }
  });

  test(`size: a spare is ready before a worker ends its last job (${kind})`, async () => {
    const options = { size: { min: 1, max: 2 }, maxJobsPerWorker: 1 };
    await using pool = makePool(options, kind);
    const started = new Set<number>();
    pool.addEventListener("workerstart", ({ detail }) => {
      started.add(detail.workerId);
    });
    for (let jobs = 1; jobs < 7; jobs += 2) {
      const { job, open } = await hold(pool);
      // Each job so far has had its own worker.
      await eventually(() => started.size > jobs, () => `${started.size}`);
      assertEquals(sizes(pool), [1, 0, 1]);
      open();
      await job;
      const ready = new Set(started);
      const next = await pool.execute("workerId");
      assert(ready.has(next), `${next} is none of ${[...ready]}`);
    }
    assertEquals(pool.stats().crashed, 0);
  });

  test(`resize() lets jobs end on surplus workers, and loses no waiting jobs (${kind})`, async () => {
    await using pool = makePool({ size: 3 }, kind);
    const counts = watchWorkers(pool);
    const open = await occupy(pool, 3);
    const waiting = numbersTo(50).map((i) => pool.execute("echo", [i]));
    pool.resize(1);
    assertEquals(pool.stats().running, 3);
    await open();
    assertEquals(await Promise.all(waiting), numbersTo(50));
    await hasSize(pool, 1);
    await eventually(() => counts.stopped === 2, () => `${counts.stopped}`);
    assertEquals([counts.started, pool.stats().crashed], [3, 0]);
  });
}

test("resize() gives waiting jobs more workers at once", async () => {
  await using pool = makePool({ size: 1 });
  using gate = new Gate();
  const jobs = numbersTo(3).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(1);
  pool.resize(3);
  await gate.arrived(3);
  assertEquals(sizes(pool), [3, 0, 3]);
  gate.open();
  await Promise.all(jobs);
});

test("resize() stops idle workers and spares first", async () => {
  await using pool = makePool({ size: 3 });
  await pool.start();
  const { job, open } = await hold(pool);
  pool.resize(1);
  assertEquals(sizes(pool), [1, 0, 1]);
  open();
  await job;
  assertEquals(sizes(pool), [1, 1, 0]);
});

test("resize() accepts fixed and elastic sizes, and the same size changes nothing", async () => {
  await using pool = makePool({ size: 3 });
  const counts = watchWorkers(pool);
  await pool.start();
  pool.resize(3);
  pool.resize({ min: 2, max: 3 });
  pool.resize({ min: 2, max: 3 });
  await pool.execute("echo", [1]);
  assertEquals([sizes(pool), counts.stopped], [[3, 3, 0], 0]);
  pool.resize({ min: 0, max: 1 });
  assertEquals(sizes(pool), [1, 1, 0]);
  pool.resize({ min: 2, max: 2 });
  await pool.start();
  assertEquals(sizes(pool), [2, 2, 0]);
});

test("resize() to a smaller min stops workers that are not needed", async () => {
  await using pool = makePool({ size: { min: 3, max: 3 }, idleTimeout: 10 });
  await pool.start();
  pool.resize({ min: 1, max: 3 });
  await hasSize(pool, 1);
});

test("resize() makes ready() resolve if the queue now has room", async () => {
  await using pool = makePool({ size: 1, queue: { capacity: 0 } });
  const { job, open } = await hold(pool);
  const ready = pool.ready();
  pool.resize(2);
  await ready;
  open();
  await job;
});

test("resize() throws for an invalid size and for a pool that has ended", async () => {
  const pool = makePool();
  const wrong: unknown[] = [undefined, null, "2", true, [], { min: 1 }, {
    max: "2",
  }, { max: 2, most: 3 }];
  for (const size of wrong) {
    assertThrows(() => pool.resize(size as number), TypeError, "size");
  }
  for (const size of [0, -1, 1.5, NaN, { min: 3, max: 2 }, { max: 0 }]) {
    assertThrows(() => pool.resize(size), RangeError, "size");
  }
  await pool.close();
  assertThrows(() => pool.resize(2), PoolClosedError);
  const terminated = makePool();
  await terminated.terminate("enough");
  assertThrows(() => terminated.resize(2), PoolTerminatedError);
});

test("start() rejects if the module cannot start, and the pool accepts no jobs", async () => {
  const module = moduleOf("throw new Error('wrong at the top')");
  for (const size of [2, { min: 1, max: 2 }]) {
    await using pool = new ThreadPool({ module, size });
    await assertRejects(() => pool.start(), WorkerStartError, "wrong at");
    await assertRejects(() => pool.execute("job"), WorkerStartError);
    await assertRejects(() => pool.start(), WorkerStartError);
  }
});

const NEVER_STARTS = moduleOf("await new Promise(() => {})");

test("start() rejects if the pool ends first, or has already ended", async () => {
  const pool = new ThreadPool({ module: NEVER_STARTS, size: 1 });
  const started = reasonOf(pool.start());
  await pool.close();
  assert(await started instanceof PoolClosedError);
  await assertRejects(() => pool.start(), PoolClosedError);
  const other = new ThreadPool({ module: NEVER_STARTS, size: 1 });
  const waiting = reasonOf(other.start());
  await other.terminate("enough");
  const reason = await waiting;
  assert(reason instanceof PoolTerminatedError);
  assertEquals(reason.cause, "enough");
});

test("start() stops waiting when its signal aborts, and the pool continues", async () => {
  await using pool = makePool({ size: 2 });
  const reason = new Error("enough");
  const aborted = { signal: AbortSignal.abort(reason) };
  assertEquals(await reasonOf(pool.start(aborted)), reason);
  assertEquals(pool.stats().size, 0);
  const controller = new AbortController();
  const started = reasonOf(pool.start(controller));
  controller.abort(reason);
  assertEquals(await started, reason);
  await pool.start();
  assertEquals(sizes(pool), [2, 2, 0]);
});

test("size: workers stop when one worker is enough for the jobs", async () => {
  await using pool = makePool({ size: { min: 1, max: 3 }, idleTimeout: 50 });
  await (await occupy(pool, 3))();
  await eventually(async () => {
    await pool.execute("echo", [1]);
    return pool.stats().size === 1;
  }, () => `Expected 1 worker, found ${pool.stats().size}`);
});

test("size: bursts within idleTimeout of each other start no worker twice", async () => {
  await using pool = makePool({ size: { min: 1, max: 3 } });
  const counts = watchWorkers(pool);
  for (let i = 0; i < 5; i++) await (await occupy(pool, 3))();
  assertEquals(counts, { started: 3, stopped: 0 });
});

test("size: workers that die without a job are replaced, up to min", async () => {
  await using pool = makePool({ size: { min: 2, max: 2 } });
  await pool.start();
  const again = nextEvent(pool, "workerstart");
  await pool.execute("closeLater");
  await again;
  assertEquals(sizes(pool), [2, 2, 0]);
  assertEquals(pool.stats().crashed, 1);
});

test("size: no more than max jobs run at once, even with spares", async () => {
  const options: ThreadPoolOptions[] = [
    { size: { min: 1, max: 1 }, maxJobsPerWorker: 1 },
    { size: { min: 0, max: 2 }, maxJobsPerWorker: 2 },
  ];
  for (const each of options) {
    await using pool = makePool(each);
    let running = 0;
    let most = 0;
    pool.addEventListener("jobend", () => running--);
    pool.addEventListener("jobstart", () => {
      most = Math.max(most, ++running);
      assertLessOrEqual(pool.stats().size, 2);
    });
    const jobs = numbersTo(12).map(() => pool.execute("burnFor", [5]));
    await Promise.all(jobs);
    const { max } = each.size as { max: number };
    assertGreater(most, 0);
    assertLessOrEqual(most, max);
  }
});

test("size: spares that are not needed stop after idleTimeout", async () => {
  await using pool = makePool({
    size: { min: 1, max: 4 },
    maxJobsPerWorker: 1,
    idleTimeout: 20,
  });
  const counts = watchWorkers(pool);
  for (let i = 0; i < 5; i++) await pool.execute("burnFor", [2]);
  await eventually(
    () => counts.started > 5 && counts.started - counts.stopped === 1,
    () => `${counts.started} started, ${counts.stopped} stopped`,
  );
  assertEquals(sizes(pool), [1, 1, 0]);
});

test("close() ends a pool whose workers are still starting", async () => {
  for (const module of [undefined, NEVER_STARTS]) {
    const pool = new ThreadPool({ module, size: { min: 2, max: 2 } });
    await pool.close();
    assertEquals(pool.stats().size, 0);
  }
});
