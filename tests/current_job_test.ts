// Tests of what a handler learns about its job.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import { transfer as transferOfCopy } from "../src/values/transfer.ts?copy=3";
import type * as jobs from "./fixtures/current_job.ts";
import { numbersTo } from "./kinds.ts";
import { poolOf, test } from "./pools.ts";

const idNow = () => currentJob()?.id;

test("currentJob() returns id, name, worker, signal and deadline, even after an await", async () => {
  await using pool = new ThreadPool(1);
  const look = async () => {
    const job = currentJob()!;
    await new Promise((resolve) => setTimeout(resolve));
    const { id, name, workerId, signal: { aborted }, deadline } = currentJob()!;
    return [id, name, workerId, aborted, deadline, job === currentJob()];
  };
  assertEquals(await pool.execute(look), [
    1,
    "look",
    1,
    false,
    undefined,
    true,
  ]);
  const fail = () => {
    throw new Error(`in job ${currentJob()?.id}`);
  };
  await assertRejects(() => pool.execute(fail), Error, "in job 2");
});

test("currentJob() distinguishes jobs and workers that run at once, and jobs sent together", async () => {
  await using pool = new ThreadPool(3);
  const key = new SharedArrayBuffer(4);
  const meet = async (key: SharedArrayBuffer) => {
    const words = new Int32Array(key);
    if (Atomics.add(words, 0, 1) === 2) Atomics.notify(words, 0);
    for (let n; (n = Atomics.load(words, 0)) < 3;) {
      await Atomics.waitAsync(words, 0, n, 20).value;
    }
    return [currentJob()?.id, currentJob()?.workerId];
  };
  const met = await Promise.all(
    [1, 2, 3].map(() => pool.execute(meet, [key])),
  );
  assertEquals(met.map(([id]) => id), [1, 2, 3]);
  assertEquals(met.map(([, workerId]) => workerId).sort(), [1, 2, 3]);
  const ids = await Promise.all(numbersTo(500).map(() => pool.execute(idNow)));
  assertEquals(ids, numbersTo(504).slice(4));
});

test("currentJob() is undefined outside a job", async () => {
  assertEquals(currentJob(), undefined);
  await using pool = poolOf<typeof jobs>("current_job");
  assertEquals(await pool.execute("atTopLevel"), undefined);
  await pool.execute(() => {
    const asked = globalThis as { asked?: unknown };
    setTimeout(() => asked.asked = currentJob() === undefined);
  });
  const asked = () => (globalThis as { asked?: unknown }).asked;
  let isUndefined: unknown;
  while ((isUndefined = await pool.execute(asked)) === undefined);
  assertEquals(isUndefined, true);
});

test("currentJob().name is the function's name, or inline, even for two functions of the same source", async () => {
  await using pool = new ThreadPool(1);
  const first = () => `${currentJob()?.name}`;
  const second = () => `${currentJob()?.name}`;
  assertEquals(await pool.execute(first), "first");
  assertEquals(await pool.execute(second), "second");
  assertEquals(await pool.execute(() => `${currentJob()?.name}`), "inline");
});

test("currentJob() and transfer() are shared by two copies of the package", async () => {
  await using pool = poolOf<typeof jobs>("current_job");
  assert(await pool.execute("sameInCopy"));
  assertEquals((await pool.execute("moveByCopy")).byteLength, 8);
  assertEquals(await pool.execute("isDetached"), true);
  const buffer = new ArrayBuffer(4);
  await pool.execute((_: ArrayBuffer) => {}, [transferOfCopy(buffer)]);
  assert(buffer.detached);
});
