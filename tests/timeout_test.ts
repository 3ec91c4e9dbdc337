// A job runs no longer than its timeout, and its promise rejects in time.
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  JobTimeoutError,
  ThreadPool,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { makePool, nextEvent, numbersTo, warmUp } from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

function assertTimesOut(job: Promise<unknown>): Promise<JobTimeoutError> {
  return assertRejects(() => job, JobTimeoutError);
}

test("timeout: a call's timeout overrides the pool's", async () => {
  await using pool = makePool({ timeout: 20 });
  using gate = new Gate();
  const patient = { timeout: Infinity };
  const result = pool.execute("arriveThenGive", [gate.key, 60, 1], patient);
  assertEquals(await result, 1);
  await assertTimesOut(pool.execute("loop"));
  await using other = makePool({ timeout: 60_000 });
  await assertTimesOut(other.execute("loop", [], { timeout: 20 }));
});

test("timeout counts from the start, not from the queue", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const queued = [1, 2, 3].map((value) =>
    pool.execute("echo", [value], { timeout: 30 })
  );
  await new Promise((done) => setTimeout(done, 60));
  gate.open();
  assertEquals(await Promise.all(queued), [1, 2, 3]);
  await held;
});

test("timeout does not count the time that a worker takes to start", async () => {
  const source = `await new Promise((resolve) => setTimeout(resolve, 100));
    export const echo = (value) => value;`;
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  await using pool = new ThreadPool({ module, size: 1, timeout: 50 });
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("timeout: many loops in a row are stopped in the same worker", async () => {
  await using pool = makePool({ timeout: 10, abortGrace: 10_000 });
  const before = await pool.execute("whichWorker");
  for (let i = 0; i < 20; i++) await assertTimesOut(pool.execute("loop"));
  assertEquals(await pool.execute("whichWorker"), before);
  assertEquals(pool.stats().timedOut, 20);
});

test("timeout: a loop is stopped even if other jobs in its list have no timeout", async () => {
  await using pool = makePool({ abortGrace: 10_000 });
  using runs = new Gate();
  await warmUp(pool);
  const before = pool.execute("arriveThenGive", [runs.key, 0, "before"]);
  const looping = pool.execute("loop", [], { timeout: 30 });
  const after = numbersTo(100).map((i) =>
    pool.execute("arriveThenGive", [runs.key, 0, i])
  );
  await assertTimesOut(looping);
  assertEquals(await before, "before");
  assertEquals(await Promise.all(after), numbersTo(100));
  assertEquals([runs.count, pool.stats().lost], [101, 0]);
});

test("timeout: a handler can neither catch its stop nor do anything after it", async () => {
  await using pool = makePool({ abortGrace: 10_000 });
  using caught = new Gate();
  const options = { timeout: 30 };
  await assertTimesOut(pool.execute("loopAndCatch", [caught.key], options));
  await pool.execute("echo", [1]); // its worker has continued
  assertEquals(caught.count, 0);
});

test("currentJob().deadline is the time at which the job times out", async () => {
  await using pool = makePool({ timeout: 10_000 });
  const left = await pool.execute("timeLeft");
  assertGreater(left, 9_000);
  assertLessOrEqual(left, 10_000);
  const options = { timeout: Infinity };
  assertEquals(await pool.execute("timeLeft", [], options), undefined);
});

test("currentJob().signal fires with a TimeoutError, and a job that then ends keeps its worker", async () => {
  await using pool = makePool({ abortGrace: 10_000 });
  const before = await pool.execute("whichWorker");
  await assertTimesOut(pool.execute("untilTold", [], { timeout: 30 }));
  const reason = await pool.execute("reasonSeen");
  assertInstanceOf(reason, DOMException);
  assertEquals(reason.name, "TimeoutError");
  assertEquals(await pool.execute("whichWorker"), before);
});

test("timeout: a job that ended in time while main was busy resolves", async () => {
  for (const value of [1, "text", { a: 1 }, new Map([[1, 2]])]) {
    await using pool = makePool();
    await pool.execute("mapOf", [1]);
    using gate = new Gate();
    const args = [gate.key, 5, value] as const;
    const result = pool.execute("arriveThenGive", [...args], { timeout: 50 });
    await gate.arrived();
    // Main is blocked for longer than the timeout.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    assertEquals(await result, value);
    assertEquals(pool.stats().timedOut, 0);
  }
});

test("timeout: what a handler does after its timeout is ignored", async () => {
  await using pool = makePool({ abortGrace: Infinity });
  using gate = new Gate();
  await assertTimesOut(pool.execute("passGate", [gate.key], { timeout: 30 }));
  gate.open();
  await pool.execute("echo", [1]);
  const { completed, failed, timedOut, aborted } = pool.stats();
  assertEquals([completed, failed, timedOut, aborted], [1, 0, 1, 0]);
});

test("timeout: a job that ends in time leaves no timer", async () => {
  await using pool = makePool();
  const options = { timeout: 10_000 };
  const results = numbersTo(500).map((i) => pool.execute("echo", [i], options));
  assertEquals(await Promise.all(results), numbersTo(500));
});

test("jobend reports a timeout as a failure with its error", async () => {
  await using pool = makePool({ timeout: 20 });
  const ended = nextEvent(pool, "jobend");
  const error = await assertTimesOut(pool.execute("loop"));
  const { detail } = await ended;
  assertEquals([detail.ok, detail.error], [false, error]);
});

test("timeout: jobs in a process run after jobs that end just as they are stopped", async () => {
  await using pool = makePool({}, "process");
  const late: Promise<unknown>[] = [];
  for (let i = 0; i < 40; i++) {
    // About the time until the job is stopped, which is some time after its timeout.
    const ms = 9.9 + i % 20 / 50;
    const job = pool.execute("burnFor", [ms], { timeout: 5 });
    late.push(job.catch(() => {}));
    for (let k = 0; k < 4; k++) {
      assertEquals(await pool.execute("burnFor", [2]), 2);
    }
  }
  await Promise.all(late);
});

test("timeout: with concurrency, other jobs continue when a loop is stopped", async () => {
  await using pool = makePool({ concurrency: 3, abortGrace: 10_000 });
  using gate = new Gate();
  const beside = [1, 2].map(() => pool.execute("isAbortedAtGate", [gate.key]));
  await gate.arrived(2);
  await assertTimesOut(pool.execute("loop", [], { timeout: 30 }));
  gate.open();
  assertEquals(await Promise.all(beside), [false, false]);
});

test("timeout: with concurrency, each job has its own timeout", async () => {
  await using pool = makePool({ concurrency: 4, abortGrace: Infinity });
  await pool.execute("echo", [1]);
  const ended: number[] = [];
  await Promise.all([90, 30, 60].map(async (timeout) => {
    await assertTimesOut(pool.execute("untilTold", [], { timeout }));
    ended.push(timeout);
  }));
  assertEquals(ended, [30, 60, 90]);
});

test("timeout: with concurrency, jobs alongside a loop after an await reject with the cause", async () => {
  await using pool = makePool({ concurrency: 2, abortGrace: 20 });
  using gate = new Gate();
  const beside = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const options = { timeout: 30 };
  await assertTimesOut(pool.execute("burnAfterAwait", [gate.key], options));
  const error = await assertRejects(() => beside, WorkerCrashedError);
  assert(error.started);
  assertMatch(error.message, /"burnAfterAwait"/);
});
