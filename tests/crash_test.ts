// A worker that dies takes only the job with it that it was running.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool, transfer, WorkerCrashedError } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/crashes.ts";
import { Gate } from "./gate.ts";
import { countWorkers, eventually, poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/crashes.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

/** Each way to die, by the job that does so, and what the cause says. */
const CRASHES = {
  closeSelf: ["self.close()", "self.close()"],
  exit: ["Deno.exit()", "Deno.exit()"],
  rejectUnhandled: ["an unhandled rejection", "nobody caught this"],
  rejectWithNothing: ["an unhandled rejection of undefined", "undefined"],
  throwInTimer: ["a throwing timer", "thrown in a timer"],
  reportAnError: ["reportError()", "reported"],
} as const;

for (const [name, [what, cause]] of Object.entries(CRASHES)) {
  const job = name as keyof typeof CRASHES;

  poolTest(
    `${what} rejects the job that runs with WorkerCrashedError and its cause`,
    async () => {
      await using pool = makePool();
      const error = await assertRejects(
        () => pool.execute(job),
        WorkerCrashedError,
      );
      assertEquals(error.started, true);
      assertStringIncludes(error.message, `"${name}"`);
      assertStringIncludes(String(error.cause), cause);
    },
  );

  poolTest(`${what} leaves the jobs that wait to another worker`, async () => {
    await using pool = makePool(2);
    const results = await Promise.allSettled(
      Array.from(
        { length: 60 },
        (_, i): Promise<unknown> =>
          i % 20 === 5 ? pool.execute(job) : pool.execute("echo", [[i]]),
      ),
    );
    for (const [i, result] of results.entries()) {
      if (i % 20 === 5) {
        assert(result.status === "rejected", `job ${i}`);
        assertInstanceOf(result.reason, WorkerCrashedError);
      } else assertEquals(result, { status: "fulfilled", value: [i] });
    }
    assertEquals(pool.stats().crashed, 3);
  });
}

poolTest(
  "an error that killed the worker is the cause, with its class and stack",
  async () => {
    await using pool = makePool();
    for (const job of ["throwInTimer", "rejectUnhandled"] as const) {
      const { cause } = await assertRejects(
        () => pool.execute(job),
        WorkerCrashedError,
      );
      assertInstanceOf(cause, RangeError);
      assertStringIncludes(cause.stack!, "crashes.ts");
    }
  },
);

poolTest(
  "a stack overflow is an error of its job, and kills no worker",
  async () => {
    await using pool = makePool();
    await assertRejects(() => pool.execute("overflow"), RangeError);
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest("the other workers go on when one dies", async () => {
  await using pool = makePool(2);
  using gate = new Gate();
  using other = new Gate();
  const dies = pool.execute("closeAtGate", [gate.key]);
  const lives = pool.execute("passGate", [other.key]);
  await Promise.all([gate.arrived(), other.arrived()]);
  gate.open();
  await assertRejects(() => dies, WorkerCrashedError);
  assertEquals(await pool.execute("echo", [1]), 1);
  other.open();
  await lives;
  assertEquals(other.count, 1);
});

poolTest(
  "dead workers are replaced up to the size, and not beyond",
  async () => {
    await using pool = makePool(2);
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        Array.from(
          { length: 2 },
          () => assertRejects(() => pool.execute("closeSelf")),
        ),
      );
      using gate = new Gate();
      const held = [gate.key, gate.key, gate.key].map((key) =>
        pool.execute("passGate", [key])
      );
      await gate.arrived(2);
      assertEquals(pool.stats().size, 2);
      await eventually(
        async () => await countWorkers() === 2,
        () => "Expected two workers",
      );
      gate.open();
      await Promise.all(held);
    }
    assertEquals(pool.stats().crashed, 6);
  },
);

poolTest("a job that had started is never run again", async () => {
  await using pool = makePool();
  using runs = new Gate();
  await assertRejects(() => pool.execute("countRunAndClose", [runs.key]));
  await pool.execute("echo", [1]);
  assertEquals(runs.count, 1);
});

poolTest(
  "a job that waits behind one that kills its worker runs once",
  async () => {
    await using pool = makePool();
    using runs = new Gate();
    await pool.execute("echo", [1]);
    const dies = pool.execute("closeSelf");
    const jobs = Array.from(
      { length: 300 },
      () => pool.execute("countRun", [runs.key]),
    );
    await Promise.all([assertRejects(() => dies, WorkerCrashedError), ...jobs]);
    assertEquals(runs.count, 300);
  },
);

poolTest(
  "results of jobs that had finished on the worker are not lost",
  async () => {
    for (let round = 0; round < 10; round++) {
      await using pool = makePool();
      await pool.execute("echo", [1]);
      const values = [1, "text", { a: 1 }, [1n], new Map([[1, 2]]), undefined];
      const results = values.map((value) => pool.execute("echo", [value]));
      const dies = pool.execute("closeSelf");
      assertEquals(await Promise.all(results), values);
      await assertRejects(() => dies, WorkerCrashedError);
    }
  },
);

poolTest("a result that left just before its worker died arrives", async () => {
  await using pool = makePool();
  for (let round = 0; round < 10; round++) {
    assertEquals(await pool.execute("closeLater"), [1, 2, 3]);
  }
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest(
  "a job whose buffer moved to a worker that died first is rejected, not started",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    await pool.execute("blockThenClose", [gate.key]);
    await gate.arrived();
    const buffer = new ArrayBuffer(8);
    const moved = pool.execute("echo", [transfer(buffer)]);
    const plain = pool.execute("echo", ["plain"]);
    gate.open();
    const error = await assertRejects(() => moved, WorkerCrashedError);
    assertEquals(error.started, false);
    assertStringIncludes(error.message, '"echo"');
    assert(buffer.detached);
    assertEquals(await plain, "plain");
  },
);

poolTest(
  "a job of plain arguments survives a worker that died before it started",
  async () => {
    await using pool = makePool();
    for (const value of [1, "text", { a: [1] }, new Map([[1, 2]])]) {
      using gate = new Gate();
      await pool.execute("blockThenClose", [gate.key]);
      await gate.arrived();
      const result = pool.execute("echo", [value]);
      gate.open();
      assertEquals(await result, value);
    }
  },
);

poolTest("the order of the jobs that wait survives a crash", async () => {
  await using pool = new ThreadPool(1);
  await pool.execute(() => 1);
  const starts: Promise<number>[] = [];
  const dies = pool.execute(() => {
    self.close();
    return new Promise<void>(() => {});
  });
  for (let i = 0; i < 50; i++) {
    starts.push(pool.execute(() => {
      const scope = globalThis as { calls?: number };
      return scope.calls = (scope.calls ?? -1) + 1;
    }));
  }
  await assertRejects(() => dies, WorkerCrashedError);
  assertEquals(
    await Promise.all(starts),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

poolTest(
  "a worker that dies while it idles is noticed and replaced",
  async () => {
    await using pool = makePool();
    const died = new Promise<CustomEvent>((resolve) => {
      pool.addEventListener("workererror", resolve, { once: true });
    });
    await pool.execute("closeLater");
    await died;
    assertEquals(pool.stats().size, 0);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

poolTest("close() ends though the last job killed its worker", async () => {
  const pool = makePool();
  const dies = pool.execute("closeSelf");
  await Promise.all([
    assertRejects(() => dies, WorkerCrashedError),
    pool.close(),
  ]);
});

poolTest("each of many jobs that kill their workers is rejected", async () => {
  await using pool = makePool(2);
  const names = Object.keys(CRASHES) as (keyof typeof CRASHES)[];
  const results = await Promise.allSettled(
    Array.from(
      { length: 12 },
      (_, i) => pool.execute(names[i % names.length]),
    ),
  );
  assert(
    results.every((result) =>
      result.status === "rejected" &&
      result.reason instanceof WorkerCrashedError && result.reason.started
    ),
  );
  assertEquals(pool.stats().crashed, 12);
});
