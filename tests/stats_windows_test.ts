// stats() of a window, and of the jobs of each name.
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import type {
  JobStats,
  PoolStats,
  StatsOptions,
  ThreadPool,
} from "@spindle/thread-pool";
import {
  ALL_KINDS,
  type AnyKind,
  hold,
  type JobPool,
  makePool,
  nextEvent,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { eachRow, test } from "./pools.ts";
import { executeUntyped } from "./untyped.ts";

const KINDS = Object.keys(ALL_KINDS) as AnyKind[];

/** Returns how jobs ended, and how many of them were timed. */
function endings(
  { completed, failed, aborted, ...stats }: PoolStats | JobStats,
) {
  const { timedOut, waitTime, runTime } = stats;
  assertEquals(waitTime.count, runTime.count);
  return [completed, failed, aborted, timedOut, runTime.count];
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Creates a pool in fake time that runs one job at a time. */
async function pretend(time: FakeTime) {
  const pool = makePool({}, "no worker");
  await pool.execute("echo", [0]);
  const run = async (ms: number) => {
    const job = pool.execute(sleep, [ms]);
    await time.tickAsync(ms);
    await job;
  };
  return { pool, run };
}

for (const kind of KINDS) {
  test(`stats({ since }) counts what has happened since a snapshot, for each reader (${kind})`, async () => {
    await using pool = makePool({}, kind);
    const start = pool.stats();
    await pool.execute("echo", [1]);
    await reasonOf(pool.execute("fail"));
    const first = pool.stats({ since: start });
    assertEquals(endings(first), [1, 1, 0, 0, 2]);
    await Promise.all(numbersTo(5).map((i) => pool.execute("echo", [i])));
    assertEquals(endings(pool.stats({ since: first })), [5, 0, 0, 0, 5]);
    assertEquals(endings(pool.stats({ since: start })), [6, 1, 0, 0, 7]);
    assertEquals(endings(pool.stats()), [6, 1, 0, 0, 7]);
    const last = pool.stats();
    const none = { count: 0, sum: 0, mean: 0, p50: 0, p99: 0, max: 0 };
    const { waitTime, runTime } = pool.stats({ since: last });
    assertEquals([waitTime, runTime], [none, none]);
  });

  test(`stats({ since }) shows the current state like stats() (${kind})`, async () => {
    await using pool = makePool({}, kind);
    await pool.execute("echo", [1]);
    const since = pool.stats();
    using held = await hold(pool);
    const queued = pool.execute("echo", [1]);
    const now = pool.stats({ since });
    assertEquals([now.size, now.idle, now.busy], [1, 0, 1]);
    assertEquals([now.running, now.queued, now.completed], [1, 1, 0]);
    held.open();
    await Promise.all([held.job, queued]);
  });

  test(`stats().byName separates the jobs of each name (${kind})`, async () => {
    await using pool = makePool({ statsByName: true }, kind);
    assertEquals(pool.stats().byName, []);
    const since = pool.stats();
    const client = new AbortController();
    using held = await hold(pool);
    const aborted = reasonOf(pool.execute("echo", [0], client));
    client.abort();
    held.open();
    await Promise.all([held.job, aborted]);
    await pool.execute("echo", [1]);
    await pool.execute(function echo(n: number) {
      return n;
    }, [2]);
    await pool.execute((n: number) => n, [3]);
    await reasonOf(pool.execute("fail"));
    await reasonOf(executeUntyped(pool, "missing"));
    await reasonOf(pool.execute("never", [], { timeout: 20 }));
    const stats = pool.stats();
    const byName = stats.byName!;
    const rows = Object.fromEntries(
      byName.map((one) => [one.name, endings(one)]),
    );
    const { never, ...others } = rows;
    assertEquals(others, {
      echo: [2, 0, 1, 0, 2],
      waitFor: [1, 0, 0, 0, 1],
      inline: [1, 0, 0, 0, 1],
      fail: [0, 1, 0, 0, 1],
      "(other)": [0, 1, 0, 0, 1],
    });
    // Whether a stopped job is timed depends on the kind of worker.
    assertEquals(never.slice(0, 4), [0, 0, 0, 1]);
    const sums = endings(stats).map((_, i) => {
      return byName.reduce((sum, one) => sum + endings(one)[i], 0);
    });
    assertEquals(sums, endings(stats));
    assertEquals(pool.stats({ since }).byName, byName);
  });
}

test("stats({ since }).byName has a row for each name, with counts since the snapshot", async () => {
  await using pool = makePool({ statsByName: true });
  await pool.execute("echo", [1]);
  const since = pool.stats();
  await pool.execute("burnFor", [1]);
  const byName = pool.stats({ since }).byName!;
  assertEquals(byName.map(({ name, completed }) => [name, completed]), [
    ["echo", 0],
    ["burnFor", 1],
  ]);
});

test("stats() has no byName and no buckets unless they were requested", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  assertEquals(Object.hasOwn(pool.stats(), "byName"), false);
  assertEquals(Object.hasOwn(pool.stats().runTime, "buckets"), false);
});

test("stats().byName has at most 100 names, and one row for all others", async () => {
  await using pool = makePool({ statsByName: true });
  await Promise.all(
    numbersTo(50).map((i) => {
      return reasonOf(executeUntyped(pool, `missing${i}`));
    }),
  );
  const answer = (name: string) =>
    Object.defineProperty(() => 42, "name", { value: name });
  await Promise.all(numbersTo(150).map((i) => pool.execute(answer(`job${i}`))));
  await pool.execute(answer("job149"));
  await pool.execute(answer("job20"));
  const { byName, completed, failed } = pool.stats();
  const count = (wanted: string) => byName!.find(({ name }) => name === wanted);
  assertEquals([completed, failed, byName!.length], [152, 50, 101]);
  assertEquals(count("job20")?.completed, 2);
  const { completed: others, failed: missing } = count("(other)")!;
  assertEquals([others, missing], [51, 50]);
});

test("stats().byName counts the shared jobs of map() under the name of the job", async () => {
  await using pool = makePool({ statsByName: true, size: 2 });
  const items = numbersTo(2_000);
  assertEquals(await Array.fromAsync(pool.map("echo", items)), items);
  const { byName, completed } = pool.stats();
  assertEquals(byName!.map(({ name }) => name), ["echo"]);
  assertEquals(byName![0].completed, completed);
});

test("stats({ since }) has the percentiles of the window", async () => {
  using time = new FakeTime();
  const { pool, run } = await pretend(time);
  await using _ = pool;
  for (const _ of numbersTo(20)) await run(500);
  const since = pool.stats();
  for (const _ of numbersTo(98)) await run(10);
  for (const _ of numbersTo(2)) await run(400);
  const { runTime } = pool.stats({ since });
  assertEquals([runTime.count, runTime.mean], [100, (98 * 10 + 800) / 100]);
  assert(Math.abs(runTime.p50 - 10) <= 0.2, `p50 ${runTime.p50}`);
  assert(Math.abs(runTime.p99 - 400) <= 8, `p99 ${runTime.p99}`);
  assert(runTime.max >= 400 && runTime.max <= 416, `max ${runTime.max}`);
  assertEquals(pool.stats().runTime.max, 500);
});

test("stats({ buckets }) counts the jobs that took no longer than each bound", async () => {
  using time = new FakeTime();
  const { pool, run } = await pretend(time);
  await using _ = pool;
  for (const ms of [1, 3, 30, 30, 300, 3_000]) await run(ms);
  const buckets = [0.5, 2, 20, 200, 2_000];
  const since = pool.stats({ buckets });
  assertEquals(since.runTime.buckets, [1, 2, 3, 5, 6]);
  assertEquals(since.runTime.count, 7);
  await run(100);
  const { runTime, waitTime } = pool.stats({ since, buckets });
  assertEquals(runTime.buckets, [0, 0, 0, 1, 1]);
  assertEquals(waitTime.buckets, [1, 1, 1, 1, 1]);
  assertEquals(pool.stats({ buckets: [] }).runTime.buckets, []);
});

test("utilization counts running jobs, and covers the window", async () => {
  using time = new FakeTime();
  const { pool, run } = await pretend(time);
  await using _ = pool;
  await run(1_000);
  await time.tickAsync(3_000);
  assertEquals(pool.stats().utilization, 0.25);
  const since = pool.stats();
  const job = pool.execute(sleep, [1_500]);
  await time.tickAsync(1_000);
  assertEquals(pool.stats({ since }).utilization, 1);
  assertEquals(pool.stats().utilization, 2_000 / 5_000);
  await time.tickAsync(500);
  await job;
  await time.tickAsync(500);
  assertEquals(pool.stats({ since }).utilization, 0.75);
  assertEquals(pool.stats({ since: pool.stats() }).utilization, 0);
});

test("utilization counts a job that has crashed its worker", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  const since = pool.stats();
  const crash = (ms: number) => {
    for (const end = Date.now() + ms; Date.now() < end;);
    self.close();
    return new Promise<never>(() => {});
  };
  const stopped = nextEvent(pool as ThreadPool, "workerstop");
  await reasonOf(pool.execute(crash, [50]));
  await stopped;
  const { utilization, crashed } = pool.stats({ since });
  assertEquals(crashed, 1);
  assertGreater(utilization, 0);
  assertLessOrEqual(utilization, 1);
});

test("consecutive windows add up to the total", async () => {
  await using pool = makePool();
  let since: PoolStats | undefined;
  let [completed, times] = [0, 0];
  for (const i of numbersTo(200)) {
    if (i % 20 === 0) await pool.execute("echo", [i]);
    since = pool.stats({ since });
    assertLess(since.completed, 2);
    completed += since.completed;
    times += since.runTime.count;
  }
  assertEquals([completed, times, pool.stats().completed], [10, 10, 10]);
});

/** Calls `pool.stats(options)` without type checks. */
const statsUntyped = (pool: JobPool, options: unknown) =>
  pool.stats(options as StatsOptions);

test("stats() refuses invalid options, and shows their values", async () => {
  await using pool = makePool();
  await using other = makePool();
  const table: Record<string, [unknown, typeof Error, ...string[]]> = {
    "a number": [5, TypeError, "`options`", "got 5"],
    "null": [null, TypeError, "`options`", "null"],
    "an option that does not exist": [{ reset: true }, TypeError, "`reset`"],
    "a snapshot as the options": [pool.stats(), TypeError, "`size`"],
    "another pool's": [
      { since: other.stats() },
      TypeError,
      "`since`",
      "stats()",
    ],
    "a copy": [{ since: { ...pool.stats() } }, TypeError, "`since`"],
    "a time": [{ since: 1_000 }, TypeError, "`since`", "got 1000"],
    "zero": [{ since: 0 }, TypeError, "`since`", "got 0"],
    "no list": [{ buckets: 10 }, TypeError, "`buckets`", "an array"],
    "texts": [{ buckets: ["10"] }, TypeError, "`buckets`", '"10"'],
    "no number": [{ buckets: [NaN] }, RangeError, "`buckets`", "NaN"],
    "a bound of 0": [{ buckets: [0, 1] }, RangeError, "`buckets`", "got 0"],
    "descending": [{ buckets: [2, 1] }, RangeError, "`buckets`", "got 1"],
    "twice": [{ buckets: [2, 2] }, RangeError, "`buckets`", "got 2"],
    "endless": [{ buckets: [Infinity] }, RangeError, "`buckets`", "Infinity"],
  };
  await eachRow(table, ([options, Class, ...said]) => {
    const { message } = assertThrows(() => statsUntyped(pool, options), Class);
    for (const text of said) assertStringIncludes(message, text);
  });
  assertEquals(pool.stats({ since: undefined }).completed, 0);
  assertEquals(pool.stats(undefined).completed, 0);
});
