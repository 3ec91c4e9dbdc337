// Tests batches in a worker: the handler is called with one item after another.
import { assert, assertEquals } from "@std/assert";
import { runBatch } from "../../src/worker/batch.ts";
import { BATCH_TIME, type BatchResult } from "../../src/wire/batch.ts";

// deno-lint-ignore no-explicit-any
function run(call: (item: any) => unknown, ...items: unknown[]) {
  const handler = { name: "job", call: call as () => unknown };
  return runBatch(handler, items);
}

function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

Deno.test("runBatch() returns results synchronously if the handler is synchronous", () => {
  const result = run((n: number) => n + 1, 1, 2, 3) as BatchResult;
  assertEquals(result.slice(1), [[2, 3, 4], []]);
});

Deno.test("runBatch() awaits each promise before the next item", async () => {
  const log: string[] = [];
  const result = await run(
    async (n: number) => {
      log.push(`begins ${n}`);
      await Promise.resolve();
      log.push(`ends ${n}`);
      return -n;
    },
    1,
    2,
  );
  assertEquals(result[1], [-1, -2]);
  assertEquals(log, ["begins 1", "ends 1", "begins 2", "ends 2"]);
});

Deno.test("runBatch() returns plain data as text", () => {
  const shared = { n: 1 };
  const result = run((n: number) => n === 2 ? "text" : shared, 1, 2, 3);
  assertEquals((result as BatchResult).slice(1), [
    ['{"n":1}', "text", '{"n":1}'],
    [0, 2],
  ]);
});

Deno.test("runBatch() stops after a result that is not plain data", async () => {
  const ran: number[] = [];
  const [, values, , ending] = await run(
    (n: number) => {
      ran.push(n);
      return n === 2 ? new Map([[n, n]]) : n;
    },
    1,
    2,
    3,
  );
  assertEquals(values, [1]);
  assertEquals(ending, { kind: "value", value: new Map([[2, 2]]) });
  assertEquals(ran, [1, 2]);
});

Deno.test("runBatch() stops after a result that cannot be cloned, and keeps the earlier results", async () => {
  const job = (n: number) => n === 2 ? () => n : n;
  const [, values, , ending] = await run(job, 1, 2, 3);
  assertEquals(values, [1]);
  assert(ending?.kind === "not-cloneable");
});

Deno.test("runBatch() stops after an error, thrown or rejected", async () => {
  const thrown = (n: number) => {
    if (n === 2) throw new RangeError("failed");
    return n;
  };
  const rejected = (n: number) =>
    n === 2 ? Promise.reject(new RangeError()) : n;
  for (const job of [thrown, rejected]) {
    const [, values, , ending] = await run(job, 1, 2, 3);
    assertEquals(values, [1]);
    assert(ending?.kind === "error");
  }
});

Deno.test("runBatch() stops after a slow item or large results", () => {
  const slow = run((n: number) => block(n), 0, 3 * BATCH_TIME, 0);
  assertEquals((slow as BatchResult)[1].length, 2);
  assert((slow as BatchResult)[0] >= 3 * BATCH_TIME);
  const large = run(() => "x".repeat(10_000), 1, 2, 3);
  assertEquals((large as BatchResult)[1].length, 2);
});
