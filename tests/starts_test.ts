// Jobs while another worker starts: they neither wait for it nor fail with it.
import { assertEquals } from "@std/assert";
import type * as jobs from "./fixtures/starts.ts";
import { Gate } from "./gate.ts";
import { nextEvent, numbersTo } from "./kinds.ts";
import { poolOf, test } from "./pools.ts";

/** How workers start from now on, until it is disposed; see the fixture. */
function startsBy(how: "wait" | "throw"): Disposable {
  Deno.env.set("SPINDLE_TEST_START", how);
  return { [Symbol.dispose]: () => Deno.env.delete("SPINDLE_TEST_START") };
}

test("execute() does not let small jobs wait for a worker to start", async () => {
  await using pool = poolOf<typeof jobs>("starts", { size: 2 });
  // So many that they are known to be small.
  for (const i of numbersTo(50)) await pool.execute("echo", [i]);
  using _ = startsBy("wait");
  const results = numbersTo(5_000).map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(results), numbersTo(5_000));
});

test("execute() keeps no job for a worker that starts while another one is ready", async () => {
  await using pool = poolOf<typeof jobs>("starts", { size: 2 });
  await pool.execute("echo", [0]);
  using _ = startsBy("wait");
  const order: number[] = [];
  const all = numbersTo(20).map(async (i) => {
    await pool.execute("spin", [10]);
    order.push(i);
  });
  await Promise.all(all);
  assertEquals(order, numbersTo(20));
});

test("execute() gives jobs to the other workers while one does not start", async () => {
  await using pool = poolOf<typeof jobs>("starts", { size: 2 });
  using gate = new Gate();
  await pool.execute("echo", [0]);
  const failed = nextEvent(pool, "workererror");
  const starting = startsBy("throw");
  const held = pool.execute("passGate", [gate.key]);
  const other = pool.execute("echo", [1]);
  await failed;
  starting[Symbol.dispose]();
  assertEquals(await other, 1);
  gate.open();
  await held;
});
