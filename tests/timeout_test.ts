// A job executes for no longer than its timeout, and its promise says so in time.
import {
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async";
import {
  JobTimeoutError,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/timeouts.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/timeouts.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

/** Fails unless the job times out, and not before its time. */
async function assertTimesOut(
  job: () => Promise<unknown>,
  timeout: number,
): Promise<JobTimeoutError> {
  const start = performance.now();
  const error = await assertRejects(job, JobTimeoutError);
  const took = performance.now() - start;
  // Clocks of two threads may differ by a little.
  assertGreaterOrEqual(took, timeout - 2);
  return error;
}

const SYNCHRONOUS = {
  loop: "a loop",
  backtrack: "a regular expression that backtracks without end",
  block: "Atomics.wait",
} as const;

for (const [name, what] of Object.entries(SYNCHRONOUS)) {
  const job = name as keyof typeof SYNCHRONOUS;

  poolTest(`${what} is stopped in time, and its worker lives on`, async () => {
    await using pool = makePool();
    const before = await pool.execute("whichWorker");
    await assertTimesOut(() => pool.execute(job, [], { timeout: 50 }), 50);
    assertEquals(await pool.execute("whichWorker"), before);
    const { crashed, lost, timedOut, size } = pool.stats();
    assertEquals({ crashed, lost, timedOut, size }, {
      crashed: 0,
      lost: 0,
      timedOut: 1,
      size: 1,
    });
  });
}

const BURNING = {
  burnAfterAwait: "a job that burns after an await",
  burnInTimer: "a job that burns in a timer",
  spinLong: "a job that awaits without a pause",
} as const;

for (const [name, what] of Object.entries(BURNING)) {
  const job = name as keyof typeof BURNING;

  poolTest(
    `${what} rejects though it goes on; another worker starts, and its thread counts as lost`,
    async () => {
      await using pool = makePool({ abortGrace: 20 });
      using gate = new Gate();
      const before = await pool.execute("whichWorker");
      await assertTimesOut(
        () => pool.execute(job, [gate.key], { timeout: 50 }),
        50,
      );
      assertNotEquals(await pool.execute("whichWorker"), before);
      await eventually(
        () => pool.stats().lost === 1,
        () => `Expected a lost worker, got ${pool.stats().lost}`,
      );
      assertEquals(pool.stats().crashed, 0);
    },
  );
}

poolTest("a job that waits without end rejects in time", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  await assertTimesOut(
    () => pool.execute("waitForever", [], { timeout: 50 }),
    50,
  );
});

poolTest("the pool's timeout is every job's", async () => {
  await using pool = makePool({ timeout: 50 });
  await pool.execute("echo", [1]);
  const error = await assertTimesOut(() => pool.execute("loop"), 50);
  assertEquals(
    error.message,
    'Job "loop" executed for longer than its timeout of 50 ms',
  );
});

poolTest("a call's own timeout wins over the pool's", async () => {
  await using pool = makePool({ timeout: 60_000 });
  await pool.execute("echo", [1]);
  await assertTimesOut(() => pool.execute("loop", [], { timeout: 50 }), 50);
});

poolTest("a call's timeout of Infinity switches the pool's off", async () => {
  await using pool = makePool({ timeout: 20 });
  using gate = new Gate();
  const options = { timeout: Infinity };
  const result = pool.execute("arriveThenGive", [gate.key, 80, 1], options);
  assertEquals(await result, 1);
});

poolTest("a timeout counts from the start, not from the queue", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const queued = [1, 2, 3].map((value) =>
    pool.execute("echo", [value], { timeout: 30 })
  );
  await delay(90);
  gate.open();
  assertEquals(await Promise.all(queued), [1, 2, 3]);
  await held;
});

poolTest("the time that a worker takes to start does not count", async () => {
  await using pool = new ThreadPool({
    module: "data:text/javascript," + encodeURIComponent(
      `await new Promise((resolve) => setTimeout(resolve, 150));
       export const echo = (value) => value;`,
    ),
    size: 1,
    timeout: 50,
  });
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest("20 loops in a row are stopped in one worker", async () => {
  await using pool = makePool({ timeout: 20 });
  const before = await pool.execute("whichWorker");
  for (let i = 0; i < 20; i++) {
    await assertTimesOut(() => pool.execute("loop"), 20);
  }
  assertEquals(await pool.execute("whichWorker"), before);
  assertEquals(pool.stats().timedOut, 20);
});

poolTest("jobs queued behind one that times out run, once", async () => {
  await using pool = makePool();
  using runs = new Gate();
  for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so jobs are sent ahead
  const looping = pool.execute("loop", [], { timeout: 30 });
  const others = Array.from(
    { length: 100 },
    (_, i) => pool.execute("arriveThenGive", [runs.key, 0, i]),
  );
  await assertRejects(() => looping, JobTimeoutError);
  assertEquals(await Promise.all(others), [...others.keys()]);
  assertEquals(runs.count, 100);
});

poolTest("jobs beside one that times out are unharmed", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const beside = pool.execute("isToldAtGate", [gate.key]);
  await gate.arrived();
  for (let i = 0; i < 5; i++) {
    const looping = pool.execute("loop", [], { timeout: 20 });
    await assertRejects(() => looping, JobTimeoutError);
  }
  gate.open();
  assertEquals(await beside, false);
});

poolTest(
  "a handler cannot catch the stop, nor do anything after it",
  async () => {
    await using pool = makePool();
    using caught = new Gate();
    const looping = pool.execute("loopAndCatch", [caught.key], { timeout: 30 });
    await assertRejects(() => looping, JobTimeoutError);
    await pool.execute("echo", [1]); // its worker has gone on
    assertEquals(caught.count, 0);
  },
);

poolTest("currentJob().deadline is when the job times out", async () => {
  await using pool = makePool({ timeout: 10_000 });
  const left = await pool.execute("timeLeft");
  assertGreater(left, 9_000);
  assertLessOrEqual(left, 10_000);
  const options = { timeout: Infinity };
  assertEquals(await pool.execute("timeLeft", [], options), undefined);
});

poolTest(
  "currentJob().signal fires with a TimeoutError, and who ends then keeps his worker",
  async () => {
    await using pool = makePool({ abortGrace: 10_000 });
    const before = await pool.execute("whichWorker");
    const told = pool.execute("untilTold", [], { timeout: 30 });
    await assertRejects(() => told, JobTimeoutError);
    const reason = await pool.execute("reasonSeen") as DOMException;
    assertInstanceOf(reason, DOMException);
    assertEquals(reason.name, "TimeoutError");
    assertEquals(await pool.execute("whichWorker"), before);
  },
);

for (const value of [1, "text", { a: 1 }, new Map([[1, 2]])]) {
  poolTest(
    `a job that ended in time while main was blocked resolves (${
      Deno.inspect(value)
    })`,
    async () => {
      await using pool = makePool();
      await pool.execute("echo", [new Map()]);
      using gate = new Gate();
      const args = [gate.key, 5, value] as const;
      const result = pool.execute("arriveThenGive", [...args], { timeout: 50 });
      await gate.arrived();
      // Main hears and sees nothing for longer than the job may take.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
      assertEquals(await result, value);
      assertEquals(pool.stats().timedOut, 0);
    },
  );
}

poolTest("what a handler does after its timeout is ignored", async () => {
  await using pool = makePool({ abortGrace: Infinity });
  using gate = new Gate();
  const args = [gate.key] as [SharedArrayBuffer];
  const late = pool.execute("passGate", args, { timeout: 30 });
  await assertRejects(() => late, JobTimeoutError);
  gate.open();
  await pool.execute("echo", [1]);
  const { completed, failed, timedOut, aborted } = pool.stats();
  assertEquals({ completed, failed, timedOut, aborted }, {
    completed: 1,
    failed: 0,
    timedOut: 1,
    aborted: 0,
  });
});

poolTest("a job that ends in time leaves nothing of its timeout", async () => {
  await using pool = makePool();
  const results = Array.from(
    { length: 500 },
    (_, i) => pool.execute("echo", [i], { timeout: 10_000 }),
  );
  assertEquals((await Promise.all(results)).length, 500);
});

poolTest("jobend tells of a timeout as a failure with its error", async () => {
  await using pool = makePool({ timeout: 20 });
  const ended = new Promise<CustomEvent>((resolve) => {
    pool.addEventListener("jobend", resolve, { once: true });
  });
  const error = await assertRejects(() => pool.execute("loop"));
  const { detail } = await ended;
  assertEquals([detail.ok, detail.error], [false, error]);
});

poolTest(
  "jobs in a process run behind those that end just when they are stopped",
  async () => {
    await using pool = makePool({ isolation: "process" });
    const late: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      // About as long as until it is stopped, which is some time after its timeout.
      const ms = 9.9 + i % 20 / 50;
      const job = pool.execute("burnFor", [ms], { timeout: 5 });
      late.push(job.catch(() => {}));
      for (let k = 0; k < 4; k++) {
        assertEquals(await pool.execute("burnFor", [3]), 3);
      }
    }
    await Promise.all(late);
  },
);
