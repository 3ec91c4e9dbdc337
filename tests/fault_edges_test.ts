// Faults at the edges: what is thrown has no text, a getter ends the pool, one
// worker of several does not start.
import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  JobTimeoutError,
  PoolTerminatedError,
  ThreadPool,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/fault_edges.ts";
import type * as starts from "./fixtures/starts.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(
  options: { size?: number; name?: string; concurrency?: number } = {},
): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/fault_edges.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

/** Neither a clone nor a text can be made of it. */
function withoutText(): object {
  return Object.assign(Object.create(null), { fn() {} });
}

poolTest("a worker may die of something that has no text", async () => {
  await using pool = makePool();
  const died = pool.execute("throwWithoutText");
  await assertRejects(() => died, WorkerCrashedError);
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest("a job is aborted for a reason that has no text", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const controller = new AbortController();
  const job = pool.execute("untilAbort", [gate.key], controller);
  await gate.arrived();
  const reason = withoutText();
  controller.abort(reason);
  assertStrictEquals(await job.catch((reason) => reason), reason);
  assertEquals(await pool.execute("echo", [1]), 1);
});

for (const name of ["", "-x", "a/b"]) {
  poolTest(`a pool may have the name ${JSON.stringify(name)}`, async () => {
    await using pool = makePool({ name });
    assertEquals(await pool.execute("echo", [1]), 1);
  });
}

poolTest(
  "a getter among the arguments that terminates the pool ends its own job, too",
  async () => {
    const pool = makePool();
    const value = {
      get part() {
        pool.terminate("enough");
        return new Map();
      },
    };
    await assertRejects(
      () => pool.execute("echo", [value]),
      PoolTerminatedError,
    );
    await pool.drain();
  },
);

poolTest(
  "a getter among the arguments that aborts the job keeps it from starting",
  async () => {
    await using pool = makePool();
    using runs = new Gate();
    const controller = new AbortController();
    const value = {
      key: runs.key,
      get part() {
        controller.abort("early");
        return 1;
      },
    };
    const job = pool.execute("arriveWith", [value], controller);
    assertEquals(await job.catch((reason) => reason), "early");
    await pool.execute("echo", [1]);
    assertEquals(runs.count, 0);
  },
);

poolTest(
  "a pool that closes right after a timeout has lost no worker",
  async () => {
    const pool = makePool();
    const errors: unknown[] = [];
    pool.addEventListener("workererror", ({ detail }) => {
      errors.push(detail.error);
    });
    await assertRejects(
      () => pool.execute("never", [], { timeout: 50 }),
      JobTimeoutError,
    );
    await pool.close();
    assertEquals([pool.stats().lost, errors], [0, []]);
  },
);

/** How workers start from now on, until it is disposed; see the fixture. */
function startsBy(how: "wait" | "throw"): Disposable {
  const variable = "SPINDLE_TEST_START";
  Deno.env.set(variable, how);
  return { [Symbol.dispose]: () => Deno.env.delete(variable) };
}

function makeStarting(): ThreadPool<typeof starts> {
  const module = new URL("./fixtures/starts.ts", import.meta.url);
  return new ThreadPool<typeof starts>({ module, size: 2 });
}

poolTest("small jobs do not wait for a worker to start", async () => {
  await using pool = makeStarting();
  for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so they are known to be small
  using _ = startsBy("wait");
  const numbers = Array.from({ length: 5_000 }, (_, i) => i);
  const results = await Promise.all(
    numbers.map((i) => pool.execute("echo", [i])),
  );
  assertEquals(results, numbers);
});

poolTest("a worker that does not start leaves the others at work", async () => {
  await using pool = makeStarting();
  using gate = new Gate();
  await pool.execute("echo", [0]);
  const starting = startsBy("throw");
  const failed = new Promise<void>((resolve) => {
    pool.addEventListener("workererror", () => {
      starting[Symbol.dispose]();
      resolve();
    }, { once: true });
  });
  const held = pool.execute("passGate", [gate.key]);
  const other = pool.execute("echo", [1]);
  await failed;
  assertEquals(await other, 1);
  gate.open();
  await held;
});

poolTest("a concurrency without bounds is refused", () => {
  assertThrows(() => makePool({ concurrency: 1e9 }), RangeError, "concurrency");
});
