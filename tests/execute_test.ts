// Named jobs: the functions that the pool's module exports.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobNotFoundError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/exports.ts";
import { poolTest } from "./live_workers.ts";
import { executeUntyped } from "./untyped.ts";

const module = new URL("./fixtures/exports.ts", import.meta.url);

function makePool(size = 1): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({ module, size });
}

poolTest("execute() runs functions of the module by name", async () => {
  await using pool = makePool();
  assertEquals(await pool.execute("add", [1, 2]), 3);
  assertEquals(await pool.execute("sum", [3, 4]), 7);
  assertEquals(await pool.execute("arrow", ["a"]), "A");
  assertEquals(await pool.execute("default"), "default");
});

poolTest("execute() awaits what an asynchronous handler returns", async () => {
  await using pool = makePool();
  assertEquals(await pool.execute("later", [[1]]), [1]);
  assertEquals(await pool.execute("thenable", ["x"]) as unknown, "x");
});

poolTest("execute() runs a handler without a this", async () => {
  await using pool = makePool();
  assertEquals(await executeUntyped(pool, "thisOf"), "undefined");
});

poolTest("execute() keeps the module's state in a worker", async () => {
  await using pool = makePool();
  const calls = Array.from({ length: 5 }, () => pool.execute("countCalls"));
  assertEquals(await Promise.all(calls), [1, 2, 3, 4, 5]);
});

poolTest("jobs start in the order in which they were submitted", async () => {
  await using pool = makePool();
  await pool.execute("countCalls"); // warm, so that jobs are sent in lists
  const calls = Array.from({ length: 2_000 }, () => pool.execute("countCalls"));
  assertEquals(
    await Promise.all(calls),
    Array.from({ length: 2_000 }, (_, i) => i + 2),
  );
});

poolTest(
  "execute() rejects with JobNotFoundError for an unknown job, and names those there are",
  async () => {
    await using pool = makePool();
    const error = await assertRejects(
      () => executeUntyped(pool, "bogus", [1]),
      JobNotFoundError,
    );
    assertStringIncludes(error.message, '"bogus"');
    for (const name of ["add", "arrow", "later", "default", "countCalls"]) {
      assertStringIncludes(error.message, name);
    }
    assertFalse(error.message.includes("notAFunction"));
    assertFalse(/\bnumbers|laterNumbers/.test(error.message));
    assertEquals(await pool.execute("add", [1, 2]), 3);
  },
);

poolTest("what an object inherits is no job", async () => {
  await using pool = makePool();
  for (const name of ["toString", "constructor", "__proto__", "", "then"]) {
    await assertRejects(() => executeUntyped(pool, name), JobNotFoundError);
  }
});

poolTest("execute() rejects for exports that are no functions", async () => {
  await using pool = makePool();
  await assertRejects(
    () => executeUntyped(pool, "notAFunction"),
    JobNotFoundError,
    '"notAFunction"',
  );
  await assertRejects(() => executeUntyped(pool, "Klass"));
});

poolTest("execute() refuses generators by name", async () => {
  await using pool = makePool();
  for (const name of ["numbers", "laterNumbers"]) {
    const error = await assertRejects(() => executeUntyped(pool, name));
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, name);
    assertStringIncludes(error.message, "generator");
  }
});

poolTest(
  "execute() rejects at once for a name where the pool has no module",
  async () => {
    await using pool = new ThreadPool(1);
    const error = await assertRejects(
      () => pool.execute("add", [1, 2]),
      JobNotFoundError,
    );
    assertStringIncludes(error.message, '"add"');
    assertStringIncludes(error.message, "module");
    assertEquals(pool.stats().size, 0);
  },
);

poolTest("execute() never throws: what it refuses is a rejection", async () => {
  await using pool = makePool();
  const results = [
    executeUntyped(pool, undefined),
    executeUntyped(pool, "add", 1),
    executeUntyped(pool, "add", [], { bogus: 1 }),
    executeUntyped(pool, "add", [() => {}]),
  ];
  for (const result of results) {
    assertInstanceOf(result, Promise);
    await assertRejects(() => result);
  }
});

poolTest("named and inline jobs may alternate in one pool", async () => {
  await using pool = makePool(2);
  const results = Array.from(
    { length: 100 },
    (_, i) =>
      i % 2
        ? pool.execute("add", [i, 1])
        : pool.execute((a: number, b: number) => a + b, [i, 1]),
  );
  assertEquals(
    await Promise.all(results),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

poolTest("10 000 jobs each give their own result", async () => {
  await using pool = makePool(2);
  const results = await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => pool.execute("add", [i, i])),
  );
  assert(results.every((result, i) => result === 2 * i));
  assertEquals(pool.stats().completed, 10_000);
});

poolTest(
  "a job of more arguments than a call can take is rejected alone",
  async () => {
    await using pool = new ThreadPool(1);
    // deno-lint-ignore no-explicit-any
    const count = (...args: any[]) => args.length;
    const many = new Array(300_000).fill(1);
    const results = await Promise.allSettled([
      pool.execute(count, [1]),
      pool.execute(count, many),
      pool.execute(count, [1, 2]),
      pool.execute(count, [...many, new Map()]),
      pool.execute(count, [1, 2, 3]),
    ]);
    assertEquals(results.map(({ status }) => status), [
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  },
);
