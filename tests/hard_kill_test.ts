// Workers that can be stopped whatever they do, and that otherwise are like any other.
import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { delay } from "@std/async";
import {
  JobTimeoutError,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/hard_kill.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";
import { readAll, tcpPair, writeAll } from "./sockets.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/hard_kill.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({
    module,
    size: 1,
    hardKill: true,
    abortGrace: 0,
    ...options,
  });
}

/** How many ms it takes until the jobs at a gate come no more. */
async function timeToStandStill(gate: Gate): Promise<number> {
  const start = performance.now();
  let changed = start;
  for (let last = -1; performance.now() - changed < 100;) {
    if (gate.count !== last) changed = performance.now();
    last = gate.count;
    await delay(1);
  }
  return changed - start;
}

const COUNTING = {
  countAtOnce: "a loop",
  countAfterAwait: "a loop after an await",
  countInTimer: "a loop in a timer",
  countBetweenAwaits: "awaits without a pause",
} as const;

for (const [name, what] of Object.entries(COUNTING)) {
  const job = name as keyof typeof COUNTING;

  poolTest(`${what} is gone soon after its abort`, async () => {
    await using pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const counting = pool.execute(job, [gate.key], controller);
    await gate.arrived();
    controller.abort(new RangeError("no longer"));
    const [time] = await Promise.all([
      timeToStandStill(gate),
      assertRejects(() => counting, RangeError),
    ]);
    assertLess(time, 500);
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().lost, 0);
  });

  poolTest(`${what} is gone soon after its timeout`, async () => {
    await using pool = makePool();
    using gate = new Gate();
    const options = { timeout: 50 };
    const counting = pool.execute(job, [gate.key], options);
    await assertRejects(() => counting, JobTimeoutError);
    assertLess(await timeToStandStill(gate), 500);
    assertEquals(await pool.execute("echo", [1]), 1);
    const { lost, timedOut } = pool.stats();
    assertEquals({ lost, timedOut }, { lost: 0, timedOut: 1 });
  });
}

poolTest("a thread that blocks for ever is gone, too", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const controller = new AbortController();
  const blocked = pool.execute("blockForever", [gate.key], controller);
  await gate.arrived();
  controller.abort(new RangeError("no longer"));
  await assertRejects(() => blocked, RangeError);
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest("terminate() ends a loop", async () => {
  const pool = makePool();
  using gate = new Gate();
  const counting = pool.execute("countAfterAwait", [gate.key]);
  await gate.arrived();
  await Promise.all([
    pool.terminate(),
    assertRejects(() => counting),
  ]);
  assertLess(await timeToStandStill(gate), 500);
});

poolTest("a job beside one whose worker is stopped is unharmed", async () => {
  await using pool = makePool({ size: 2 });
  using held = new Gate();
  using gate = new Gate();
  const beside = pool.execute("passGate", [held.key]);
  await held.arrived();
  const counting = pool.execute("countAtOnce", [gate.key], { timeout: 30 });
  await assertRejects(() => counting, JobTimeoutError);
  held.open();
  await beside;
});

poolTest("named and inline jobs run, with the current job", async () => {
  await using pool = makePool();
  assertEquals(await pool.execute("echo", [{ a: [1n] }]), { a: [1n] });
  assertEquals(await pool.execute((a: number, b: number) => a + b, [1, 2]), 3);
  assertEquals(await pool.execute("surroundings"), {
    name: "surroundings",
    self: true,
    isMainThread: false,
  });
});

poolTest("many small jobs come back in order", async () => {
  await using pool = makePool({ size: 2 });
  const numbers = Array.from({ length: 2_000 }, (_, i) => i);
  const results = numbers.map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(results), numbers);
});

poolTest("buffers move there and back", async () => {
  await using pool = makePool();
  const bytes = new Uint8Array([1, 2, 3]);
  const result = pool.execute("echo", [transfer(bytes)]);
  assertEquals(bytes.length, 0);
  assertEquals(await result, new Uint8Array([1, 2, 3]));
});

for (const connections of ["bytes", "descriptor"] as const) {
  poolTest(`connections move ("${connections}")`, async () => {
    await using pool = makePool({ connections });
    const { client, server } = await tcpPair();
    const measured = pool.execute("measure", [server]);
    await writeAll(client, new Uint8Array(100));
    assertEquals(new TextDecoder().decode(await readAll(client)), "100");
    await measured;
    client.close();
  });
}

poolTest("a handler's error arrives as what it is", async () => {
  await using pool = makePool();
  const error = await assertRejects(() => pool.execute("fail"), RangeError);
  assertEquals([error.message, error.cause], ["failed", "a cause"]);
  assertStringIncludes(error.stack!, "hard_kill.ts");
});

const DEATHS = {
  "self.close()": () => {
    self.close();
    return new Promise<never>(() => {});
  },
  "Deno.exit()": () => Deno.exit(),
  "an unhandled rejection": () => {
    Promise.reject(new RangeError("nobody caught this"));
    return new Promise<never>(() => {});
  },
};

for (const [what, die] of Object.entries(DEATHS)) {
  poolTest(`a worker that dies of ${what} is replaced`, async () => {
    await using pool = makePool();
    const error = await assertRejects(
      () => pool.execute(die),
      WorkerCrashedError,
    );
    assertEquals(error.started, true);
    assertInstanceOf(error.cause, Error);
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().crashed, 1);
  });
}

Deno.test("what a job logs is printed", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/hard_kill_log.ts",
    "-A",
  );
  assertEquals({ code, stdout, stderr }, {
    code: 0,
    stdout: "from a worker\n",
    stderr: "",
  });
});
