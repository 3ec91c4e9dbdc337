// A job that is aborted is told first, and only if it does not end its worker is stopped.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { delay } from "@std/async";
import {
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/graces.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/graces.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

/** Resolves when the pool has stopped a worker. */
function workerStop(pool: ThreadPool<typeof jobs>): Promise<unknown> {
  return new Promise((resolve) => {
    pool.addEventListener("workerstop", resolve, { once: true });
  });
}

/** Runs a job until it has come to its gate, and aborts it. */
async function abortAtGate(
  execute: (key: SharedArrayBuffer, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  using gate = new Gate();
  await abortHere(gate, execute);
}

/** The same at a gate that stays closed. */
async function abortHere(
  gate: Gate,
  execute: (key: SharedArrayBuffer, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const controller = new AbortController();
  const result = execute(gate.key, controller.signal);
  const rejection = assertRejects(() => result);
  await gate.arrived();
  controller.abort(new Error("no longer"));
  await rejection;
}

poolTest(
  "a handler that ends within the grace keeps its worker",
  async () => {
    await using pool = makePool({ abortGrace: 10_000 });
    using ended = new Gate();
    const before = await pool.execute("whichWorker");
    await abortAtGate((key, signal) =>
      pool.execute("endLater", [key, 20, ended.key], { signal })
    );
    assertEquals(await pool.execute("whichWorker"), before);
    assertEquals(ended.count, 1);
  },
);

poolTest(
  "a handler that does not end within the grace has its worker replaced",
  async () => {
    await using pool = makePool({ abortGrace: 30 });
    const before = await pool.execute("whichWorker");
    const stopped = workerStop(pool);
    await abortAtGate((key, signal) =>
      pool.execute("ignoreAll", [key], { signal })
    );
    await stopped;
    assertNotEquals(await pool.execute("whichWorker"), before);
    const { crashed, lost, aborted } = pool.stats();
    assertEquals({ crashed, lost, aborted }, {
      crashed: 0,
      lost: 0,
      aborted: 1,
    });
  },
);

poolTest("the worker is not stopped before the grace is over", async () => {
  await using pool = makePool({ abortGrace: 150 });
  await pool.execute("echo", [1]);
  const stopped = workerStop(pool);
  await abortAtGate((key, signal) =>
    pool.execute("ignoreAll", [key], { signal })
  );
  const start = performance.now();
  await stopped;
  assertGreater(performance.now() - start, 140);
});

poolTest("a grace of 0 stops the worker at once", async () => {
  await using pool = makePool({ abortGrace: 0 });
  using ended = new Gate();
  const before = await pool.execute("whichWorker");
  const stopped = workerStop(pool);
  await abortAtGate((key, signal) =>
    pool.execute("endLater", [key, 100, ended.key], { signal })
  );
  await stopped;
  assertNotEquals(await pool.execute("whichWorker"), before);
  assertEquals(ended.count, 0);
});

poolTest("a grace of Infinity never stops the worker", async () => {
  await using pool = makePool({ abortGrace: Infinity });
  using ended = new Gate();
  const before = await pool.execute("whichWorker");
  await abortAtGate((key, signal) =>
    pool.execute("endLater", [key, 200, ended.key], { signal })
  );
  assertEquals(await pool.execute("whichWorker"), before);
  assertEquals(ended.count, 1);
});

poolTest(
  "jobs sent ahead to a worker that is stopped run elsewhere, once",
  async () => {
    await using pool = makePool({ abortGrace: 20 });
    using runs = new Gate();
    for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so jobs are sent ahead
    using gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const stuck = pool.execute("ignoreAll", [gate.key], { signal });
    const rejection = assertRejects(() => stuck);
    const others = Array.from(
      { length: 100 },
      () => pool.execute("arrive", [runs.key]),
    );
    await gate.arrived();
    controller.abort(new Error("no longer"));
    await Promise.all([rejection, ...others]);
    assertEquals(runs.count, 100);
  },
);

poolTest(
  "a job whose buffer has moved waits for the next worker, and runs there",
  async () => {
    await using pool = makePool({ abortGrace: 20 });
    using gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const stuck = pool.execute("ignoreAll", [gate.key], { signal });
    const rejection = assertRejects(() => stuck);
    await gate.arrived();
    const moved = pool.execute("echo", [transfer(new Uint8Array([1, 2]))]);
    controller.abort(new Error("no longer"));
    await rejection;
    assertEquals(await moved, new Uint8Array([1, 2]));
  },
);

poolTest(
  "with concurrency, others in progress are rejected with the cause, and those before them are not lost",
  async () => {
    await using pool = makePool({ abortGrace: 20, concurrency: 3 });
    using gate = new Gate();
    const other = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const finished = pool.execute("echo", [{ a: new Map([[1, 2]]) }]);
    await abortAtGate((key, signal) =>
      pool.execute("ignoreAll", [key], { signal })
    );
    const error = await assertRejects(() => other, WorkerCrashedError);
    assert(error.started);
    assertStringIncludes(error.message, 'job "passGate" was running');
    assertStringIncludes((error.cause as Error).message, '"ignoreAll"');
    assertStringIncludes((error.cause as Error).message, "20 ms");
    assertEquals(await finished, { a: new Map([[1, 2]]) });
  },
);

poolTest(
  "with concurrency, others in progress live on if the job ends in time",
  async () => {
    await using pool = makePool({ abortGrace: 10_000, concurrency: 2 });
    using gate = new Gate();
    using ended = new Gate();
    const other = pool.execute("isToldAtGate", [gate.key]);
    await gate.arrived();
    await abortAtGate((key, signal) =>
      pool.execute("endLater", [key, 0, ended.key], { signal })
    );
    await ended.arrived();
    gate.open();
    assertEquals(await other, false);
  },
);

poolTest("a job on another worker is not harmed", async () => {
  await using pool = makePool({ abortGrace: 0, size: 2 });
  using gate = new Gate();
  const other = pool.execute("isToldAtGate", [gate.key]);
  await gate.arrived();
  const stopped = workerStop(pool);
  await abortAtGate((key, signal) =>
    pool.execute("ignoreAll", [key], { signal })
  );
  await stopped;
  gate.open();
  assertEquals(await other, false);
});

poolTest("results of jobs that ended on the worker are not lost", async () => {
  await using pool = makePool({ abortGrace: 0 });
  const values = [1, "text", { a: 1 }, [1n], new Map([[1, 2]]), undefined];
  for (let round = 0; round < 5; round++) {
    const results = values.map((value) => pool.execute("echo", [value]));
    await abortAtGate((key, signal) =>
      pool.execute("ignoreAll", [key], { signal })
    );
    assertEquals(await Promise.all(results), values);
  }
});

for (const job of ["burnNow", "burnAfterAwait"] as const) {
  poolTest(
    `a job that burns rejects though it goes on; another worker starts, and its thread counts as lost (${job})`,
    async () => {
      await using pool = makePool({ abortGrace: 20 });
      using gate = new Gate();
      const before = await pool.execute("whichWorker");
      await abortHere(
        gate,
        (key, signal) => pool.execute(job, [key], { signal }),
      );
      assertNotEquals(await pool.execute("whichWorker"), before);
      await eventually(
        () => pool.stats().lost === 1,
        () => `Expected a lost worker, got ${pool.stats().lost}`,
      );
    },
  );
}

poolTest("workererror tells of a lost worker", async () => {
  await using pool = makePool({ abortGrace: 0 });
  using gate = new Gate();
  const told = new Promise<CustomEvent>((resolve) => {
    pool.addEventListener("workererror", resolve, { once: true });
  });
  await abortHere(
    gate,
    (key, signal) => pool.execute("burnNow", [key], { signal }),
  );
  const { detail } = await told;
  assertEquals(detail.workerId, 1);
  assertStringIncludes(detail.error.message, "could not be stopped");
});

poolTest("close() does not wait for the grace", async () => {
  const pool = makePool({ abortGrace: 60_000 });
  await abortAtGate((key, signal) =>
    pool.execute("ignoreAll", [key], { signal })
  );
  const start = performance.now();
  await pool.close();
  assertLess(performance.now() - start, 5_000);
});

poolTest("many jobs that are aborted have each its own grace", async () => {
  await using pool = makePool({ abortGrace: 100, size: 2 });
  const stops: number[] = [];
  pool.addEventListener("workerstop", () => stops.push(performance.now()));
  await pool.execute("echo", [1]);
  await abortAtGate((key, signal) =>
    pool.execute("ignoreAll", [key], { signal })
  );
  await delay(50);
  await abortAtGate((key, signal) =>
    pool.execute("ignoreAll", [key], { signal })
  );
  await eventually(() => stops.length === 2, () => "Expected two to stop");
  assertGreater(stops[1] - stops[0], 25);
});

Deno.test("a thread that still loops keeps no process from ending", async () => {
  assertEquals(await runScript("scripts/burning.ts", "-A"), {
    code: 0,
    stdout: "no longer\nJobTimeoutError\nlost 2\nclosed\n",
    stderr: "",
  });
});
