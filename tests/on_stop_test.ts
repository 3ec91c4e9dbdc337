// onStop(): a worker that stops normally first runs the callbacks of its jobs.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ThreadPool, ThreadPoolOptions } from "@spindle/thread-pool";
import { onStop } from "@spindle/thread-pool/worker";
import type * as jobs from "./fixtures/worker_life.ts";
import { KIND_NAMES, KINDS, reasonOf } from "./kinds.ts";
import { eventually } from "./live_workers.ts";
import { poolOf, test } from "./pools.ts";

type LifePool = ThreadPool<typeof jobs>;

/** Creates a directory for the files of one test. */
function directory() {
  const path = Deno.makeTempDirSync();
  const names = () => [...Deno.readDirSync(path)].map(({ name }) => name);
  return {
    path,
    file: `${path}/told`,
    /** Lines that the callbacks have written. */
    told(): string[] {
      if (!names().includes("told")) return [];
      return Deno.readTextFileSync(`${path}/told`).trim().split("\n");
    },
    /** Number of databases that were opened, and of those that are still open. */
    databases: () => ({
      all: names().filter((name) => name.endsWith(".db")).length,
      open: names().filter((name) => name.endsWith("-wal")).length,
    }),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

function errorsOf(pool: LifePool): string[] {
  const errors: string[] = [];
  pool.addEventListener("workererror", ({ detail: { error } }) => {
    errors.push((error as Error).message);
  });
  return errors;
}

for (const kind of KIND_NAMES) {
  const lifePool = (options: ThreadPoolOptions = {}): LifePool =>
    poolOf("worker_life", { ...KINDS[kind], ...options });

  test(`onStop() callbacks run in reverse order before close() resolves (${kind})`, async () => {
    using files = directory();
    const pool = lifePool();
    await pool.execute("register", [files.file, "first late second"]);
    await pool.close();
    assertEquals(files.told(), ["second", "late", "first"]);
  });

  test(`onStop() continues after a callback that fails, and workererror reports the error (${kind})`, async () => {
    using files = directory();
    const pool = lifePool();
    const errors = errorsOf(pool);
    await pool.execute("register", [files.file, "first fails rejects second"]);
    await pool.close();
    assertEquals(files.told(), ["second", "first"]);
    assertEquals(errors, ["cannot close later", "cannot close"]);
    assertEquals(pool.stats().crashed, 0);
  });

  test(`onStop() runs in each worker that maxJobsPerWorker replaces (${kind})`, async () => {
    using files = directory();
    await using pool = lifePool({ maxJobsPerWorker: 2 });
    for (let i = 0; i < 4; i++) {
      await pool.execute("register", [files.file, i % 2 ? "second" : "first"]);
    }
    await eventually(
      () => files.told().length === 4,
      () => `Told ${files.told()}`,
    );
    // The first worker may end after the second worker has started.
    assertEquals(files.told().sort(), ["first", "first", "second", "second"]);
  });

  test(`onStop() runs in a worker that stops because it is not needed (${kind})`, async () => {
    using files = directory();
    await using pool = lifePool({ size: { max: 1 }, idleTimeout: 1 });
    await pool.execute("register", [files.file, "first late"]);
    await eventually(() => files.told().length === 2, () => `${files.told()}`);
    assertEquals(pool.stats().size, 0);
  });

  test(`onStop() does not run on terminate(), or when a worker crashes or is stopped (${kind})`, async () => {
    using files = directory();
    const pool = lifePool({ abortGrace: 0 });
    const register = () => pool.execute("register", [files.file, "first"]);
    await register();
    await reasonOf(pool.execute("exit"));
    await register();
    const signal = AbortSignal.timeout(20);
    await reasonOf(pool.execute("never", [], { signal }));
    // Once this has run on another worker, the stopped worker is gone.
    await register();
    await pool.terminate();
    assertEquals(files.told(), []);
  });

  test(`onStop() closes the database of each worker: replaced, not needed, and on close() (${kind})`, async () => {
    using files = directory();
    const pool = lifePool({
      size: { min: 1, max: 2 },
      maxJobsPerWorker: 3,
      idleTimeout: 10,
    });
    const counts: number[] = [];
    for (let i = 0; i < 7; i++) {
      counts.push(await pool.execute("insert", [files.path]));
    }
    assertEquals(counts, [1, 2, 3, 1, 2, 3, 1]);
    await eventually(
      () => files.databases().open === 1,
      () => `Open: ${files.databases().open}`,
    );
    await pool.close();
    assertEquals(files.databases(), { all: 3, open: 0 });
  });

  test(`onStop() has stopGrace ms, and workererror reports a callback that takes longer (${kind})`, async () => {
    using files = directory();
    const pool = lifePool({ stopGrace: 1_000 });
    const errors = errorsOf(pool);
    await pool.execute("register", [files.file, "first never second"]);
    await pool.close();
    assertEquals(files.told(), ["second"]);
    assertEquals(errors.length, 1);
    assertStringIncludes(errors[0], "stopGrace");
  });
}

test("onStop() runs in a worker whose heap has grown", async () => {
  using files = directory();
  await using pool: LifePool = poolOf("worker_life", { maxHeapPerWorker: 48 });
  await pool.execute("register", [files.file, "first"]);
  await pool.execute("nap", [60]); // the heap is checked every 50 ms
  await pool.execute("keep", [60]);
  await eventually(() => files.told().length === 1, () => `${files.told()}`);
});

test("onStop() runs in a worker that resize() stops, after its last job", async () => {
  using files = directory();
  await using pool: LifePool = poolOf("worker_life", { size: 2 });
  await Promise.all([1, 2].map(() => pool.execute("nap", [20])));
  const registered = [1, 2].map(async () => {
    await Promise.all([
      pool.execute("register", [files.file, "first"]),
      pool.execute("nap", [50]),
    ]);
  });
  pool.resize(1);
  await Promise.all(registered);
  await eventually(() => pool.stats().size === 1, () => "It is still there");
  await pool.close();
  assertEquals(new Set(files.told()), new Set(["first"]));
});

test("onStop() callbacks run on close() after an aborted job has ended", async () => {
  using files = directory();
  const pool: LifePool = poolOf("worker_life", { abortGrace: 10_000 });
  await pool.execute("register", [files.file, "tellsJob"]);
  const signal = AbortSignal.timeout(10);
  await assertRejects(() => pool.execute("nap", [100], { signal }));
  await pool.close();
  assertEquals(files.told(), ["job undefined"]);
});

test("onStop() works in a callback, and in another copy of the package", async () => {
  using files = directory();
  const pool: LifePool = poolOf("worker_life");
  await pool.execute("register", [files.file, "registers"]);
  await pool.execute("registerByCopy", [files.file]);
  await pool.close();
  assertEquals(files.told(), ["copy", "registers", "registered"]);
});

test("terminate() ends close() while it waits for onStop() callbacks", async () => {
  using files = directory();
  const pool: LifePool = poolOf("worker_life", { stopGrace: 60_000 });
  await pool.execute("register", [files.file, "never"]);
  const closed = pool.close();
  await Promise.all([pool.terminate(), closed]);
});

test("onStop(): a callback that exits or loops prevents only the remaining callbacks, with hardKill", async () => {
  for (const word of ["exits", "loops"]) {
    using files = directory();
    const pool: LifePool = poolOf("worker_life", {
      stopGrace: 100,
      hardKill: true,
    });
    const errors = errorsOf(pool);
    await pool.execute("register", [files.file, `first ${word}`]);
    await pool.close();
    assertEquals([errors.length, pool.stats().crashed], [1, 0], word);
    assertEquals(files.told(), []);
  }
});

test("onStop() runs a callback that an inline job registers", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const pool = poolOf("worker_life");
  await pool.execute((words: Int32Array) => {
    onStop(() => void Atomics.add(words, 0, 1));
  }, [words]);
  await pool.close();
  assertEquals(words[0], 1);
});

test("onStop() accepts only functions, and does nothing outside a worker", async () => {
  await using pool: LifePool = poolOf("worker_life");
  const wrong = () => pool.execute("registerWrong");
  await assertRejects(wrong, TypeError, "`callback`");
  onStop(() => {
    throw new Error("It ran");
  });
});
