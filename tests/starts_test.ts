// Jobs do not wait for another worker that starts, and do not fail with it.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/starts.ts";
import { Gate } from "./gate.ts";
import { nextEvent, numbersTo, reasonOf } from "./kinds.ts";
import { eventually } from "./live_workers.ts";
import { poolOf, test } from "./pools.ts";

/** Sets how workers start until it is disposed, see fixtures/starts.ts. */
function startsBy(how: "wait" | "throw"): Disposable {
  Deno.env.set("SPINDLE_TEST_START", how);
  return { [Symbol.dispose]: () => Deno.env.delete("SPINDLE_TEST_START") };
}

test("execute() does not make small jobs wait for a worker to start", async () => {
  await using pool = poolOf<typeof jobs>("starts", { size: 2 });
  // Enough jobs that the pool knows that they are small.
  for (const i of numbersTo(50)) await pool.execute("echo", [i]);
  using _ = startsBy("wait");
  const results = numbersTo(5_000).map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(results), numbersTo(5_000));
});

test("execute() keeps no job for a starting worker while another worker is ready", async () => {
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

test("execute() sends jobs to the other workers if one worker does not start", async () => {
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

test("a worker that is ended while it starts has read its first message, whose memory would leak otherwise", async () => {
  const { Worker } = globalThis;
  const heard: boolean[] = [];
  let ended = 0;
  globalThis.Worker = class extends Worker {
    #hasSpoken = false;
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      this.addEventListener("message", () => this.#hasSpoken = true);
    }
    override terminate(): void {
      heard.push(this.#hasSpoken);
      super.terminate();
      ended++;
    }
  };
  try {
    const pool = poolOf<typeof jobs>("starts", { size: 2 });
    const calls = [0, 1].map((i) => reasonOf(pool.execute("echo", [i])));
    await pool.terminate();
    await Promise.all(calls);
    await eventually(() => ended > 0, () => "The worker was not ended");
    assert(heard.every((spoke) => spoke));
  } finally {
    globalThis.Worker = Worker;
  }
});

test("terminate() while a worker starts keeps the module from running, even if main is busy afterwards", async () => {
  const file = await Deno.makeTempFile();
  const source = `Deno.writeTextFileSync(${JSON.stringify(file)}, "executed");`;
  try {
    const pool = new ThreadPool({
      module: `data:text/javascript,${encodeURIComponent(source)}`,
      size: 1,
    });
    const call = reasonOf(pool.execute("any"));
    await pool.terminate();
    await call;
    for (const end = performance.now() + 300; performance.now() < end;);
    assertEquals(await Deno.readTextFile(file), "");
  } finally {
    await Deno.remove(file);
  }
});
