// Workers that are replaced after a number of jobs, or when their heap has grown.
import { assertEquals, assertNotEquals } from "@std/assert";
import { type ThreadPoolOptions, transfer } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { makePool, numbersTo, reasonOf } from "./kinds.ts";
import { countWorkers, eventually, poolTest as test } from "./live_workers.ts";

const OPTIONS: ThreadPoolOptions[] = [
  { maxJobsPerWorker: 5 },
  { maxJobsPerWorker: 5, hardKill: true },
  { maxJobsPerWorker: 4, size: 3 },
  { maxJobsPerWorker: 3, concurrency: 2 },
];

for (const options of OPTIONS) {
  test(`maxJobsPerWorker: no worker runs more jobs (${JSON.stringify(options)})`, async () => {
    await using pool = makePool(options);
    const answers = numbersTo(20).map(() => pool.execute("askWorker"));
    const counts = new Map<string, number>();
    for (const { key } of await Promise.all(answers)) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const { size, concurrency, maxJobsPerWorker } = options;
    assertEquals(Math.max(...counts.values()), maxJobsPerWorker);
    // A single worker runs all its jobs before the next worker starts.
    if (!size && !concurrency) assertEquals([...counts.values()], [5, 5, 5, 5]);
    assertEquals(pool.stats().crashed, 0);
  });
}

test("maxJobsPerWorker does not count jobs that were aborted before they started", async () => {
  await using pool = makePool({ maxJobsPerWorker: 2 });
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const stop = new AbortController();
  const aborted = numbersTo(10).map(() =>
    reasonOf(pool.execute("echo", [1], stop))
  );
  stop.abort("no longer");
  await Promise.all(aborted);
  gate.open();
  await held;
  assertEquals([await pool.execute("count"), await pool.execute("count")], [
    1,
    1,
  ]);
});

test("maxJobsPerWorker: 1 isolates jobs from each other, and timers end", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  for (const value of ["a", "b"]) {
    assertEquals(await pool.execute("soil", [value]), undefined);
    assertEquals(await pool.execute("isClean"), true);
    assertEquals(await pool.execute("count"), 1);
    const moved = transfer(new Uint8Array([1]));
    assertEquals(await pool.execute("echo", [moved]), new Uint8Array([1]));
  }
  using ticks = new Gate();
  await pool.execute("startTicking", [ticks.key]);
  await pool.execute("echo", [1]);
  await eventually(
    async () => await countWorkers() === 0,
    () => "Expected both workers to have ended",
  );
  const before = ticks.count;
  await new Promise((done) => setTimeout(done, 20));
  assertEquals(ticks.count, before);
});

test("maxHeapPerWorker: jobs that wait for a worker whose heap has grown run once", async () => {
  await using pool = makePool({ maxHeapPerWorker: 48 });
  using runs = new Gate();
  await pool.execute("echo", [1]);
  await new Promise((done) => setTimeout(done, 60)); // the heap is checked every 50 ms
  const first = pool.execute("keep", [60]);
  const others = numbersTo(100).map(() => pool.execute("arrive", [runs.key]));
  await Promise.all([first, ...others]);
  assertEquals(runs.count, 100);
  assertNotEquals(await pool.execute("keep", [0]), await first);
});

test("a worker that is replaced first ends the streams of its results, and close() waits for them", async () => {
  const pool = makePool({ maxJobsPerWorker: 1 });
  const stream = await pool.execute("streamSlowly", [20]);
  const before = await pool.execute("whichWorker");
  assertNotEquals(await pool.execute("whichWorker"), before);
  const last = await pool.execute("streamSlowly", [10]);
  const closed = pool.close();
  assertEquals(await Array.fromAsync(stream), numbersTo(20));
  assertEquals(await Array.fromAsync(last), numbersTo(10));
  await closed;
});

test("workerstart and workerstop are dispatched for each replacement", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  const told: string[] = [];
  for (const type of ["workerstart", "workerstop"] as const) {
    pool.addEventListener(type, () => told.push(type));
  }
  await pool.execute("echo", [1]);
  await pool.execute("echo", [2]);
  await eventually(() => told.length === 4, () => `Told ${told}`);
  assertEquals(told.slice(0, 3), ["workerstart", "workerstop", "workerstart"]);
});
