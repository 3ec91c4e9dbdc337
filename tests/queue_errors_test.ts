// Errors of a full queue: the name of the job, and the arguments of a refused call.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  JobDiscardedError,
  QueueFullError,
  ThreadPool,
  transfer,
  type WhenFull,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/jobs.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

/** Creates a pool with this queue, whose only worker is busy. */
async function heldPool(capacity: number, whenFull: WhenFull) {
  const module = new URL("./fixtures/jobs.ts", import.meta.url);
  const queue = { capacity, whenFull };
  const pool = new ThreadPool<typeof jobs>({ module, size: 1, queue });
  const gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  return {
    pool,
    async [Symbol.asyncDispose]() {
      gate.open();
      await held;
      await pool.close();
    },
  };
}

poolTest(
  "QueueFullError names the job and hands its arguments back",
  async () => {
    await using holder = await heldPool(0, "reject");
    const { pool } = holder;
    const args: [{ text: string }] = [{ text: "hi" }];
    const error = await assertRejects(
      () => pool.execute("echo", args),
      QueueFullError,
    );
    assertEquals(
      error.message,
      'Job "echo" was refused: the queue is full, its capacity is 0',
    );
    assertEquals(error.job, "echo");
    assertStrictEquals(error.args, args);
  },
);

poolTest(
  "QueueFullError: values to move have not moved, and can be sent again",
  async () => {
    await using holder = await heldPool(0, "reject");
    const bytes = new Uint8Array([1, 2, 3]);
    const { args } = await assertRejects(
      () => holder.pool.execute("echo", [transfer(bytes)]),
      QueueFullError,
    );
    assertEquals(bytes.length, 3);
    await using other = new ThreadPool(1);
    const count = (bytes: Uint8Array) => bytes.length;
    assertEquals(await other.execute(count, args as [Uint8Array]), 3);
    assertEquals(bytes.length, 0);
  },
);

poolTest(
  "QueueFullError names an inline job, and has an empty list without arguments",
  async () => {
    await using holder = await heldPool(0, "reject");
    const { pool } = holder;
    const named = await assertRejects(
      () => pool.execute(function work() {}),
      QueueFullError,
    );
    assertEquals([named.job, named.args], ["work", []]);
    const unnamed = await assertRejects(
      () => pool.execute(() => {}),
      QueueFullError,
    );
    assertEquals(unnamed.job, "inline");
  },
);

poolTest("QueueFullError is the error if no job can be discarded", async () => {
  await using holder = await heldPool(0, "discard-oldest");
  const error = await assertRejects(
    () => holder.pool.execute("echo", [1]),
    QueueFullError,
  );
  assertEquals([error.job, error.args], ["echo", [1]]);
});

poolTest("JobDiscardedError names the job", async () => {
  await using holder = await heldPool(1, "discard-oldest");
  const { pool } = holder;
  const discarded = assertRejects(
    () => pool.execute(function first() {}),
    JobDiscardedError,
  );
  const newest = pool.execute("echo", [2]);
  const error = await discarded;
  assertEquals(
    error.message,
    'Job "first" was discarded for a newer one: the queue is full, its capacity is 1',
  );
  assertEquals(error.job, "first");
  assert(!("args" in error));
  await holder[Symbol.asyncDispose]();
  assertEquals(await newest, 2);
});
