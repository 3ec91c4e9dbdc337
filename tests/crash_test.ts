// Tests of workers that die: what happens to their jobs, and to a pool whose workers
// die repeatedly. `faults_test.ts` has each way to die.
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

test("execute() rejects only the jobs that kill their workers, among many others", async () => {
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

test("WorkerCrashedError.cause is the error that killed the worker, with class and stack", async () => {
  await using pool = makePool();
  for (const job of ["throwInTimer", "rejectUnhandled"] as const) {
    const { cause } = await assertCrashes(pool.execute(job));
    assertInstanceOf(cause, RangeError);
    assertStringIncludes(cause.stack!, "jobs.ts");
  }
});

test("workers that died are replaced up to size, and not beyond", async () => {
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

test("a job that had started never runs again, and waiting jobs run once, in order", async () => {
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

test("results of jobs that completed before their worker dies are not lost", async () => {
  await using pool = makePool();
  const values = [1, "text", { a: 1 }, [1n], new Map([[1, 2]]), undefined];
  for (let round = 0; round < 5; round++) {
    await pool.execute("echo", [1]);
    const results = values.map((value) => pool.execute("echo", [value]));
    const dies = assertCrashes(pool.execute("closeSelf"));
    assertEquals(await Promise.all(results), values);
    await dies;
    // Nor is a result that is sent just before the worker dies.
    assertEquals(await pool.execute("closeLater"), [1, 2, 3]);
  }
});

test("a job whose buffer moved to a worker that dies rejects as not started, and other jobs run", async () => {
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

test("a worker that dies while idle is detected and replaced", async () => {
  await using pool = makePool();
  const died = nextEvent(pool, "workererror");
  await pool.execute("closeLater");
  await died;
  assertEquals(pool.stats().size, 0);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("close() resolves even if the last job killed its worker", async () => {
  const pool = makePool();
  const dies = assertCrashes(pool.execute("closeSelf"));
  await Promise.all([dies, pool.close()]);
});

/** Number of deaths in a row after which new jobs are rejected. */
const MOST = 10;

/** Kills workers one after the other until new jobs are rejected. */
async function breakDown(pool: JobPool): Promise<void> {
  for (let i = 0; i < MOST; i++) await assertCrashes(pool.execute("closeSelf"));
}

test("execute() rejects as not started after 10 deaths in a row, until a delay has passed", async () => {
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
  // The count of deaths has started over.
  await assertCrashes(pool.execute("closeSelf"));
  assertEquals(await pool.execute("echo", [2]), 2);
});

test("close() resolves after many deaths in a row, and waiting jobs run first", async () => {
  const pool = makePool();
  const dying = numbersTo(MOST).map(() =>
    assertCrashes(pool.execute("closeSelf"))
  );
  const waiting = pool.execute("echo", [1]);
  await Promise.all(dying);
  await pool.close();
  assertEquals(await waiting, 1);
});

test("a job that completes resets the count of deaths in a row", async () => {
  await using pool = makePool();
  for (let i = 0; i < MOST + 1; i++) {
    await assertCrashes(pool.execute("closeSelf"));
    assertEquals(await pool.execute("echo", [i]), i);
  }
});
