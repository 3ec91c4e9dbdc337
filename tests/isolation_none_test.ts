// Tests of a pool without workers, which is for tests of code that uses a pool.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  JobCloneError,
  JobTimeoutError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { currentJob, workerData } from "@spindle/thread-pool/worker";
import * as jobs from "./fixtures/none.ts";
import { numbersTo, reasonOf } from "./kinds.ts";
import { poolTest } from "./live_workers.ts";
import { moduleOf, poolOf } from "./pools.ts";
import { tcpPair } from "./sockets.ts";
import { executeUntyped, poolUntyped } from "./untyped.ts";

/** Declares a test whose own time limit is in real time. */
function test(name: string, fn: () => Promise<void>): void {
  poolTest(name, () => Promise.resolve().then(fn));
}

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  jobs.log.length = 0;
  return poolOf<typeof jobs>("none", { isolation: "none", ...options });
}

/** Like `makePool()`, with its module loaded: from then on, jobs start within the turn. */
async function makeLoaded(
  options?: ThreadPoolOptions,
): Promise<ThreadPool<typeof jobs>> {
  const pool = makePool(options);
  await pool.execute("note", ["loaded"]);
  jobs.log.length = 0;
  return pool;
}

test('isolation "none": jobs run in this thread, and share their module with it', async () => {
  await using pool = makePool();
  await pool.execute("note", [1]);
  assertEquals(jobs.log, [1]);
  assertEquals(await pool.execute((a: number, b: number) => a + b, [1, 2]), 3);
  assertEquals(pool.stats().size, 1);
});

test('isolation "none": jobstart is dispatched while the job runs, even behind a long job', async () => {
  await using pool = await makeLoaded();
  const started = new Promise((resolve) => {
    pool.addEventListener("jobstart", ({ detail: { name } }) => {
      if (name === "never") resolve("told");
    });
  });
  for (const _ of numbersTo(2)) pool.execute("giveLater", [20, "given"]);
  const stop = new AbortController();
  const job = pool.execute("never", [], { signal: stop.signal });
  assertEquals(await started, "told");
  stop.abort("enough");
  assertEquals(await reasonOf(job), "enough");
});

test('isolation "none": no job starts inside execute(), and all start in order', async () => {
  await using pool = await makeLoaded({ size: 2 });
  const names = ["a", "b", "c", "d"];
  const done = names.map((name) => pool.execute("noteBoth", [name, 1]));
  assertEquals(jobs.log, []);
  await Promise.all(done);
  const starts = jobs.log.filter((what) => String(what).endsWith("starts"));
  assertEquals(starts, names.map((name) => `${name} starts`));
});

test('isolation "none": `size` times `concurrency` jobs run at once', async () => {
  for (const [size, concurrency] of [[1, 1], [3, 1], [1, 2], [2, 3]]) {
    await using pool = await makeLoaded({ size, concurrency });
    const done = numbersTo(9).map(() => pool.execute("untilTold"));
    const ended = done.map(reasonOf);
    await nextTurn();
    const { running, queued } = pool.stats();
    assertEquals([running, queued], [size * concurrency, 9 - running]);
    await pool.terminate();
    await Promise.all(ended);
  }
});

test('isolation "none": fake time decides when a job ends and what its times are', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded();
  const ends: CustomEvent<{ waitTime: number; runTime: number }>[] = [];
  pool.addEventListener("jobend", (event) => ends.push(event));
  const results = [1, 2].map((i) => pool.execute("giveLater", [60_000, i]));
  let settled = 0;
  for (const result of results) result.then(() => settled++);
  await time.tickAsync(59_999);
  await time.runMicrotasks();
  assertEquals(settled, 0);
  time.tick(1);
  await time.runMicrotasks();
  assertEquals(settled, 1);
  await time.tickAsync(60_000);
  assertEquals(await Promise.all(results), [1, 2]);
  const times = ends.map(({ detail: { waitTime, runTime } }) => {
    return [waitTime, runTime];
  });
  assertEquals(times, [[0, 60_000], [60_000, 60_000]]);
  assertEquals(pool.stats().runTime.max, 60_000);
});

test('isolation "none": a timeout passes in fake time', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded({ timeout: 5_000 });
  const deadline = pool.execute("timesOutAt");
  assertEquals(await deadline, time.now + 5_000);
  const error = reasonOf(pool.execute("untilTold"));
  await time.tickAsync(4_999);
  await time.runMicrotasks();
  assertEquals([pool.stats().timedOut, jobs.log], [0, []]);
  time.tick(1);
  assertInstanceOf(await error, JobTimeoutError);
  await time.runMicrotasks();
  assertEquals(jobs.log, ["told: untilTold"]);
  // The job's worker continues.
  assertEquals(await pool.execute("timesOutAt"), time.now + 5_000);
});

test('isolation "none": progress is reported in fake time', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded();
  const heard: unknown[] = [];
  const onProgress = (value: unknown) => heard.push(value);
  const done = pool.execute("reportEverySecond", [3], { onProgress });
  await time.tickAsync(1_000);
  await time.tickAsync(1_000);
  await time.tickAsync(1_000);
  await done;
  assertEquals(heard, [0, 1, 2]);
});

test('isolation "none": AbortSignal.timeout() aborts in fake time', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded();
  const signal = AbortSignal.timeout(1_000);
  const error = reasonOf(pool.execute("untilTold", [], { signal }));
  await time.tickAsync(1_000);
  assertStrictEquals(await error, signal.reason);
});

test('isolation "none": a pool that waits for its jobs has no timer', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded({ size: 2, queue: { capacity: 1 } });
  const stop = new AbortController();
  const ended = numbersTo(3).map(() => {
    return reasonOf(pool.execute("untilTold", [], stop));
  });
  const ready = pool.ready();
  // This would not end if a timer was set again and again.
  await time.runAllAsync();
  assertEquals(await time.nextAsync(), false);
  stop.abort("enough");
  assertEquals(await Promise.all(ended), ["enough", "enough", "enough"]);
  await ready;
});

test('isolation "none": a job that ignores its abort loses only its own worker', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded({ size: 2, abortGrace: 100 });
  const stop = new AbortController();
  const aborted = reasonOf(pool.execute("never", [], stop));
  const other = pool.execute("giveLater", [1_000, "other"]);
  await time.runMicrotasks();
  stop.abort("enough");
  assertEquals(await aborted, "enough");
  const { promise: stopped, resolve } = Promise.withResolvers<CustomEvent>();
  pool.addEventListener("workerstop", resolve);
  assertEquals(pool.stats().running, 2);
  await time.tickAsync(100);
  assertEquals((await stopped).detail, { workerId: 1 });
  assertEquals(pool.stats().running, 1);
  await time.tickAsync(900);
  assertEquals(await other, "other");
});

test('isolation "none": with concurrency, other jobs of the same worker are lost with it', async () => {
  using time = new FakeTime();
  await using pool = await makeLoaded({ concurrency: 2, abortGrace: 100 });
  const stop = new AbortController();
  const aborted = reasonOf(pool.execute("never", [], stop));
  const beside = reasonOf(pool.execute("never"));
  await time.runMicrotasks();
  stop.abort("enough");
  await time.tickAsync(100);
  assertEquals(await aborted, "enough");
  assertInstanceOf(await beside, WorkerCrashedError);
});

test('isolation "none": a synchronous job that took too long rejects when it returns', async () => {
  await using pool = await makeLoaded();
  const options = { timeout: 10 };
  const error = () => pool.execute("compute", [30], options);
  await assertRejects(error, JobTimeoutError, "timeout of 10 ms");
  assertEquals(pool.stats().timedOut, 1);
  assertEquals(await pool.execute("compute", [0], options), "done");
});

test('isolation "none": caller and job share no object, and a buffer that moves is detached', async () => {
  await using pool = makePool();
  const argument = { list: [1], map: new Map([[1, { a: 1 }]]) };
  await pool.execute("note", [argument]);
  const [noted] = jobs.log as [typeof argument];
  assertEquals(noted, argument);
  assertNotStrictEquals(noted.list, argument.list);
  assertNotStrictEquals(noted.map, argument.map);
  const result = await pool.execute("giveLater", [0, argument]);
  assertNotStrictEquals(result, argument);
  const bytes = new Uint8Array(8);
  await pool.execute("note", [transfer(bytes)]);
  assertEquals(bytes.length, 0);
  await assertRejects(
    () => executeUntyped(pool, "note", [{ a: () => {} }]),
    JobCloneError,
    "args[0].a",
  );
});

test('isolation "none": a connection moves, and closes with its job', async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  const read = pool.execute("readOne", [server]);
  await assertRejects(
    () => pool.execute("readOne", [server]),
    JobCloneError,
    "has already moved into a job",
  );
  await client.write(new Uint8Array(3));
  assertEquals(await read, 3);
  assertEquals(await client.read(new Uint8Array(1)), null);
  client.close();
});

for (const connections of ["bytes", "descriptor"] as const) {
  test(`isolation "none": terminate() closes the connections of jobs ("${connections}")`, async () => {
    await using pool = await makeLoaded({ connections });
    const { client, server } = await tcpPair();
    const ended = reasonOf(pool.execute("readOne", [server]));
    await nextTurn();
    await pool.terminate();
    assertInstanceOf(await ended, PoolTerminatedError);
    assertEquals(await client.read(new Uint8Array(1)), null);
    await nextTurn();
    // The job itself was aborted, too.
    assertEquals(jobs.log.length, 1);
    client.close();
  });
}

test('isolation "none": terminate() aborts the signals of jobs, which nothing else can end', async () => {
  const pool = await makeLoaded();
  const ended = reasonOf(pool.execute("untilTold"));
  await nextTurn();
  await pool.terminate("enough");
  assertInstanceOf(await ended, PoolTerminatedError);
  assertEquals(jobs.log, ["told: untilTold"]);
});

test('isolation "none": currentJob() distinguishes jobs, and is undefined outside a job', async () => {
  await using pool = makePool({ size: 2, concurrency: 2 });
  const seen = numbersTo(6).map(() => pool.execute("idsSeen", [1]));
  assertEquals(currentJob(), undefined);
  assertEquals(
    await Promise.all(seen),
    numbersTo(6).map((i) => [i + 1, i + 1]),
  );
  assertEquals(currentJob(), undefined);
});

test('isolation "none": inline jobs are strict and capture nothing', async () => {
  await using pool = makePool();
  const strict = await pool.execute(() => {
    return (function (this: unknown) {
      return this === undefined;
    })();
  });
  assert(strict);
  const captured = 1;
  const error = await reasonOf(pool.execute(() => captured));
  assertInstanceOf(error, ReferenceError);
});

test('isolation "none": each pool has its own workerData and onStop() callbacks', async () => {
  const pool = makePool({ workerData: ["a"] });
  await using other = makePool({ workerData: ["b"] });
  assertEquals(await pool.execute("data"), ["a"]);
  assertEquals(await other.execute("data"), ["b"]);
  assertEquals(workerData(), undefined);
  await pool.execute("noteAtEnd", ["first"]);
  await pool.execute("noteAtEnd", ["second"]);
  await other.execute("noteAtEnd", ["other"]);
  await pool.close();
  assertEquals(jobs.log, ["second", "first"]);
});

test('isolation "none": onStop() callbacks have the workerData of their worker', async () => {
  const [one, other] = ["one", "other"].map((workerData) =>
    makePool({ workerData })
  );
  await one.execute("noteDataAtEnd");
  await other.execute("noteDataAtEnd");
  await Promise.all([one.close(), other.close()]);
  const sorted = jobs.log.map(String).sort();
  assertEquals(sorted, ["last,one", "last,other", "one", "other"]);
  assertEquals(workerData(), undefined);
});

test('isolation "none": start() starts min workers, and idle workers stop in fake time', async () => {
  using time = new FakeTime();
  await using pool = makePool({
    size: { min: 1, max: 3 },
    idleTimeout: 1_000,
  });
  await pool.start();
  assertEquals(pool.stats().size, 1);
  const results = numbersTo(3).map((i) => pool.execute("giveLater", [500, i]));
  await time.runMicrotasks();
  assertEquals([pool.stats().size, pool.stats().running], [3, 3]);
  await time.tickAsync(500);
  assertEquals(await Promise.all(results), [0, 1, 2]);
  await time.tickAsync(999);
  assertEquals(pool.stats().size, 3);
  await time.tickAsync(1);
  await time.runMicrotasks();
  assertEquals(pool.stats().size, 1);
});

test('isolation "none": with a full queue, the caller runs a job alongside', async () => {
  const queue = { capacity: 0, whenFull: "caller-runs" } as const;
  await using pool = await makeLoaded({ queue });
  const stop = new AbortController();
  const held = reasonOf(pool.execute("untilTold", [], stop));
  const ids: (number | undefined)[] = [];
  pool.addEventListener("jobend", (event) => ids.push(event.detail.workerId));
  assertEquals(await pool.execute("giveLater", [0, 1]), 1);
  assertEquals(ids, [0]);
  stop.abort("enough");
  await held;
});

Deno.test('isolation "none": options that it cannot honor are refused', () => {
  const UNKEPT = {
    hardKill: true,
    memoryLimit: 64,
    maxHeapPerWorker: 64,
    permissions: "none",
    execArgv: ["--cached-only"],
  };
  for (const [name, value] of Object.entries(UNKEPT)) {
    const make = () => poolUntyped({ isolation: "none", [name]: value });
    assertThrows(make, TypeError, `\`${name}\``);
  }
});

/** Waits for everything that is due. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

test('isolation "none": a response comes back, even with concurrency', async () => {
  await using pool = new ThreadPool({
    isolation: "none",
    size: 1,
    concurrency: 2,
  });
  const response = await pool.execute(() => new Response("hi"));
  assertEquals(await response.text(), "hi");
});

test('isolation "none": a generator that never pauses leaves timers their turn', async () => {
  await using pool = new ThreadPool({ isolation: "none", size: 1 });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("enough")), 20);
  function* forever() {
    for (let i = 0;; i++) yield i;
  }
  const { signal } = stop;
  await assertRejects(
    async () => {
      for await (const _ of pool.stream(forever, [], { signal }));
    },
    Error,
    "enough",
  );
  clearTimeout(timer);
});

test('isolation "none": other workers of a module can start while it loads', async () => {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  Object.assign(globalThis, { begin: begun.resolve, gate: gate.promise });
  const module = moduleOf(`
    globalThis.begin?.();
    await globalThis.gate;
    export const echo = (n) => n;
  `);
  type Jobs = { echo(n: number): number };
  const options = { module, isolation: "none" } as const;
  await using pool = new ThreadPool<Jobs>({ ...options, size: 2 });
  await using other = new ThreadPool<Jobs>(options);
  await using threads = new ThreadPool<Jobs>({ module, size: 1 });
  const first = pool.execute("echo", [1]);
  await begun.promise;
  const all = [
    first,
    ...[pool, other, threads].map((p) => p.execute("echo", [2])),
  ];
  gate.resolve();
  assertEquals(await Promise.all(all), [1, 2, 2, 2]);
});

for (const isolation of ["thread", "process"] as const) {
  test(`isolation "none": a pool in a worker leaves the worker its data and its onStop() (${isolation})`, async () => {
    const module = new URL("./fixtures/none_inside.ts", import.meta.url);
    const pool = new ThreadPool<typeof import("./fixtures/none_inside.ts")>({
      module,
      isolation,
      size: 1,
      workerData: 42,
    });
    assertEquals(await pool.execute("inner", [module.href]), 3);
    assertEquals(await pool.execute("data"), 42);
    const stopped = Promise.withResolvers<unknown>();
    pool.addEventListener("workererror", ({ detail }) => {
      stopped.resolve((detail.error as Error).message);
    });
    await pool.execute("stopLater");
    await pool.close();
    assertEquals(await stopped.promise, "stopped");
  });
}
