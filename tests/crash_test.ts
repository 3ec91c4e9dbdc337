// Workers that die: what becomes of their jobs, and of a pool whose workers die again
// and again. `faults_test.ts` has each way to die.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { transfer, WorkerCrashedError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  type JobPool,
  makePool,
  nextEvent,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { countWorkers, eventually, poolTest as test } from "./live_workers.ts";

const WAYS = [
  "closeSelf",
  "exit",
  "rejectUnhandled",
  "throwInTimer",
  "rejectWithNothing",
  "reportAnError",
] as const;

async function assertCrashes(
  job: Promise<unknown>,
): Promise<WorkerCrashedError> {
  const error = await assertRejects(() => job, WorkerCrashedError);
  assert(error.started);
  return error;
}

test("execute() of each of many jobs that kill their workers rejects, and of all others resolves", async () => {
  await using pool = makePool({ size: 2 });
  await pool.execute("echo", [1]); // a worker has started
  const jobs = numbersTo(60).map((i): Promise<unknown> =>
    i % 5 === 0
      ? assertCrashes(pool.execute(WAYS[i / 5 % WAYS.length]))
      : pool.execute("echo", [[i]]).then((value) => assertEquals(value, [i]))
  );
  await Promise.all(jobs);
  assertEquals(pool.stats().crashed, 12);
});

test("WorkerCrashedError has what killed the worker as its cause, with class and stack", async () => {
  await using pool = makePool();
  for (const job of ["throwInTimer", "rejectUnhandled"] as const) {
    const { cause } = await assertCrashes(pool.execute(job));
    assertInstanceOf(cause, RangeError);
    assertStringIncludes(cause.stack!, "jobs.ts");
  }
});

test("workers that died are replaced up to the size, and not beyond", async () => {
  await using pool = makePool({ size: 2 });
  for (let round = 0; round < 2; round++) {
    const dying = [1, 2].map(() => assertCrashes(pool.execute("closeSelf")));
    await Promise.all(dying);
    using gate = new Gate();
    const held = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(2);
    assertEquals(pool.stats().size, 2);
    await eventually(
      async () => await countWorkers() === 2,
      () => "Expected two workers",
    );
    gate.open();
    await Promise.all(held);
  }
  assertEquals(pool.stats().crashed, 4);
});

test("a job that had started never runs again, and those that wait run once, in order", async () => {
  await using pool = makePool();
  using runs = new Gate();
  await pool.execute("echo", [1]);
  const dies = assertCrashes(pool.execute("closeSelf", [runs.key]));
  const behind = numbersTo(300).map((i) => pool.execute("note", [i]));
  const arrived = numbersTo(50).map(() => pool.execute("arrive", [runs.key]));
  await Promise.all([dies, ...behind, ...arrived]);
  assertEquals(await pool.execute("allNoted"), numbersTo(300));
  assertEquals(runs.count, 51);
});

test("results of jobs that ended on a worker that dies are not lost", async () => {
  await using pool = makePool();
  const values = [1, "text", { a: 1 }, [1n], new Map([[1, 2]]), undefined];
  for (let round = 0; round < 5; round++) {
    await pool.execute("echo", [1]);
    const results = values.map((value) => pool.execute("echo", [value]));
    const dies = assertCrashes(pool.execute("closeSelf"));
    assertEquals(await Promise.all(results), values);
    await dies;
    // Nor is one that leaves just before.
    assertEquals(await pool.execute("closeLater"), [1, 2, 3]);
  }
});

test("a job whose buffer moved to a worker that dies first rejects as not started; others run", async () => {
  await using pool = makePool();
  using gate = new Gate();
  await pool.execute("blockThenClose", [gate.key]);
  await gate.arrived();
  const buffer = new ArrayBuffer(8);
  const moved = pool.execute("echo", [transfer(buffer)]);
  const values = [1, "text", { a: [1] }, new Map([[1, 2]])];
  const plain = values.map((value) => pool.execute("echo", [value]));
  gate.open();
  const error = await assertRejects(() => moved, WorkerCrashedError, '"echo"');
  assertEquals([error.started, buffer.detached], [false, true]);
  assertEquals(await Promise.all(plain), values);
});

test("a worker that dies while it is idle is noticed and replaced", async () => {
  await using pool = makePool();
  const died = nextEvent(pool, "workererror");
  await pool.execute("closeLater");
  await died;
  assertEquals(pool.stats().size, 0);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("close() resolves though the last job killed its worker", async () => {
  const pool = makePool();
  const dies = assertCrashes(pool.execute("closeSelf"));
  await Promise.all([dies, pool.close()]);
});

/** So many workers die in a row before new jobs are refused. */
const MOST = 10;

/** Lets workers die one after the other until new jobs are refused. */
async function breakDown(pool: JobPool): Promise<void> {
  for (let i = 0; i < MOST; i++) await assertCrashes(pool.execute("closeSelf"));
}

test("execute() rejects as not started after many deaths in a row, until a delay is over", async () => {
  await using pool = makePool();
  await breakDown(pool);
  const error = await reasonOf(pool.execute("echo", [1]));
  assertInstanceOf(error, WorkerCrashedError);
  assertEquals(error.started, false);
  assertMatch(error.message, /10 workers have died in a row.* \d+ ms$/);
  assertEquals(pool.stats().size, 0);
  await eventually(
    () => pool.execute("echo", [1]).then(() => true, () => false),
    () => "Expected the pool to recover",
  );
  // It is as if nothing had happened.
  await assertCrashes(pool.execute("closeSelf"));
  assertEquals(await pool.execute("echo", [2]), 2);
});

test("close() resolves after many deaths in a row, and jobs that wait run before", async () => {
  const pool = makePool();
  const dying = numbersTo(MOST).map(() =>
    assertCrashes(pool.execute("closeSelf"))
  );
  const waiting = pool.execute("echo", [1]);
  await Promise.all(dying);
  await pool.close();
  assertEquals(await waiting, 1);
});

test("a job that ends between the deaths is a sign of health", async () => {
  await using pool = makePool();
  for (let i = 0; i < MOST + 1; i++) {
    await assertCrashes(pool.execute("closeSelf"));
    assertEquals(await pool.execute("echo", [i]), i);
  }
});
