// workers(): what each worker is doing now.
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Gate } from "./gate.ts";
import {
  ALL_KINDS,
  type AnyKind,
  hold,
  makePool,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { eventually } from "./live_workers.ts";
import { test } from "./pools.ts";

const KIND_NAMES = Object.keys(ALL_KINDS) as AnyKind[];

test("workers() is empty for a new pool and for a closed pool", async () => {
  const pool = makePool();
  assertEquals(pool.workers(), []);
  await pool.execute("echo", [1]);
  assertEquals(pool.workers(), [{ workerId: 1, state: "idle", jobs: [] }]);
  await pool.close();
  assertEquals(pool.workers(), []);
});

for (const kind of KIND_NAMES) {
  test(`workers() shows the running job and its run time (${kind})`, async () => {
    await using pool = makePool({}, kind);
    await pool.execute("echo", [1]);
    const held = await hold(pool);
    const waiting = pool.execute("echo", [2]);
    const [{ workerId, state, jobs }] = pool.workers();
    assertEquals([workerId, state, jobs.length], [1, "busy", 1]);
    const [{ jobId, name, runTime }] = jobs;
    assertEquals([jobId, name], [2, "waitFor"]);
    assertGreaterOrEqual(runTime, 0);
    await new Promise((done) => setTimeout(done, 20));
    const [later] = pool.workers()[0].jobs;
    // A timer may fire a little early.
    assertGreaterOrEqual(later.runTime, runTime + 15);
    held.open();
    await Promise.all([held.job, waiting]);
    assertEquals(pool.workers(), [{ workerId: 1, state: "idle", jobs: [] }]);
  });
}

test("workers() lists every worker by its id, with as many jobs as stats() counts", async () => {
  await using pool = makePool({ size: 4 });
  using gate = new Gate();
  const held = numbersTo(6).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(4);
  const workers = pool.workers();
  assertEquals(workers.map(({ workerId }) => workerId), [1, 2, 3, 4]);
  assert(workers.every(({ state }) => state === "busy"));
  const ids = workers.flatMap(({ jobs }) => jobs.map(({ jobId }) => jobId));
  assertEquals(new Set(ids).size, 4);
  assertEquals(pool.stats().running, 4);
  gate.open();
  await Promise.all(held);
});

test("workers() lists all jobs of a worker with concurrency", async () => {
  await using pool = makePool({ concurrency: 3 });
  using gate = new Gate();
  const held = numbersTo(5).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(3);
  const [{ jobs }] = pool.workers();
  assertEquals(jobs.map(({ jobId }) => jobId), [1, 2, 3]);
  gate.open();
  await Promise.all(held);
});

test("workers() shows a worker that is left alone with its job", async () => {
  await using pool = makePool({ abortGrace: 30 });
  using gate = new Gate();
  const stop = new AbortController();
  const job = reasonOf(pool.execute("blockAtGate", [gate.key], stop));
  await gate.arrived();
  stop.abort("left");
  await job;
  await eventually(
    () => pool.stats().lost === 1,
    () => "Expected a lost worker",
  );
  assertEquals(pool.workers(), [{ workerId: 1, state: "lost", jobs: [] }]);
});
