// Tests of what jobs leave behind when they end, and of what blocks their threads: it
// delays other jobs only for a moment.
import { assertEquals, assertRejects } from "@std/assert";
import {
  JobTimeoutError,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/leftovers.ts";
import { Gate } from "./gate.ts";
import { eventually } from "./live_workers.ts";
import { poolOf, test } from "./pools.ts";

function makePool(options: ThreadPoolOptions = {}) {
  return poolOf<typeof jobs>("leftovers", options);
}

for (const hardKill of [false, true]) {
  const kind = hardKill ? "a killable thread" : "a thread";

  test(`a job whose result cannot leave ${kind} times out`, async () => {
    await using pool = makePool({ hardKill, timeout: 50 });
    using gate = new Gate();
    const job = pool.execute("blocksInPull", [gate.key]);
    await assertRejects(() => job, JobTimeoutError);
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().timedOut, 1);
  });
}

test("a thread that could not send a result in time accepts jobs again once it has sent it", async () => {
  await using pool = makePool({ timeout: 50, abortGrace: 50 });
  const gate = new Gate();
  const job = pool.execute("blocksInPull", [gate.key]);
  await assertRejects(() => job, JobTimeoutError);
  await eventually(() => pool.stats().lost === 1, () => "It is left alone");
  gate.open();
  await eventually(() => pool.stats().lost === 0, () => "It is back");
  assertEquals(pool.workers().length, 1);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("a job does not wait behind a job whose result cannot leave its thread", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  // The worker has started, and jobs are sent to it ahead.
  for (let i = 0; i < 50; i++) await pool.execute("echo", [i]);
  const first = pool.execute("blocksInPull", [gate.key]);
  assertEquals(await pool.execute("echo", [1]), 1);
  gate.open();
  await (await first).cancel();
});

test("another worker starts when what a job has left blocks the first worker", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  await pool.execute("blocksInTimer", [gate.key]);
  await gate.arrived();
  assertEquals(await pool.execute("echo", [1]), 1);
  assertEquals(pool.workers().map(({ state }) => state), ["busy", "idle"]);
  const { busy, idle } = pool.stats();
  assertEquals({ busy, idle }, { busy: 1, idle: 1 });
});

test("a killable thread that is blocked by what a job has left is replaced when it is needed", async () => {
  await using pool = makePool({ hardKill: true });
  using gate = new Gate();
  await pool.execute("blocksInTimer", [gate.key]);
  await gate.arrived();
  assertEquals(await pool.execute("echo", [1]), 1);
  assertEquals(pool.workers().map(({ workerId }) => workerId), [2]);
});

test("a killable thread that was terminated in a loop causes no workererror", async () => {
  await using pool = makePool({ hardKill: true, timeout: 20, abortGrace: 20 });
  const errors: unknown[] = [];
  pool.addEventListener("workererror", ({ detail }) => errors.push(detail));
  for (let i = 0; i < 3; i++) {
    const job = pool.execute("loopsLater");
    await assertRejects(() => job, JobTimeoutError);
  }
  assertEquals(await pool.execute("echo", [1]), 1);
  assertEquals(errors, []);
});

test("a process that is blocked by what a job has left is replaced, and costs one job", async () => {
  await using pool = makePool({ isolation: "process", size: 1 });
  await pool.execute("computesAfterwards", [60_000]);
  const lost = pool.execute("echo", [0]);
  const others = [1, 2, 3].map((i) => pool.execute("echo", [i]));
  // The job was written to the process, which could start it at any moment.
  await assertRejects(() => lost, WorkerCrashedError, "did nothing for");
  assertEquals(await Promise.all(others), [1, 2, 3]);
});

test("another process starts when what a job has left blocks the first process", async () => {
  await using pool = makePool({ isolation: "process", size: 2 });
  await pool.execute("computesAfterwards", [2_000]);
  const order: string[] = [];
  const first = pool.execute("echo", [0]).then(() => order.push("first"));
  const second = pool.execute("echo", [1]).then(() => order.push("second"));
  await Promise.all([first, second]);
  assertEquals(order, ["second", "first"]);
});
