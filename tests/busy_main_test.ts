// Tests that a busy main thread or a starting worker fails no healthy job or worker.
import { assertEquals, assertNotEquals } from "@std/assert";
import { delay } from "@std/async";
import { ThreadPool } from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import { KIND_NAMES, makePool, nextEvent } from "./kinds.ts";
import { moduleOf, test } from "./pools.ts";

/** Blocks the main thread. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

for (const kind of KIND_NAMES) {
  test(`a worker whose job ends when aborted stays, even if the main thread is busy for longer than the grace (${kind})`, async () => {
    await using pool = makePool({}, kind);
    await pool.execute("echo", [1]);
    const stop = new AbortController();
    const started = nextEvent(pool, "jobstart");
    const job = pool.execute(
      () => {
        const { signal } = currentJob()!;
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      [],
      { signal: stop.signal },
    );
    await started;
    stop.abort();
    await job.catch(() => {});
    block(150);
    await delay(100);
    assertEquals(await pool.execute("echo", [2]), 2);
    assertEquals(pool.workers().map(({ workerId }) => workerId), [1]);
  });

  test(`jobs that end in time do not time out, even if the main thread is busy for longer (${kind})`, async () => {
    await using pool = makePool({ size: 2, timeout: 400 }, kind);
    const job = () =>
      new Map(Array.from({ length: 1500 }, (_, i) => [i, `${i}`]));
    for (let i = 0; i < 20; i++) await pool.execute(job);
    const results = Array.from({ length: 200 }, () => pool.execute(job));
    await delay(1);
    block(700);
    const ended = await Promise.allSettled(results);
    const failed = ended.filter(({ status }) => status === "rejected");
    assertEquals(failed, []);
  });
}

test("a job goes to an idle worker, not to a starting worker that may never be ready", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const worker = new URL("../src/worker/mod.ts", import.meta.url);
  const module = moduleOf(`
    import { workerData } from ${JSON.stringify(worker.href)};
    if (Atomics.add(workerData(), 0, 1) > 0) await new Promise(() => {});
    export const echo = (n) => n;
  `);
  const pool = new ThreadPool<{ echo(n: number): number }>({
    size: 2,
    module,
    workerData: words,
  });
  await Promise.all([1, 2, 3, 4].map((n) => pool.execute("echo", [n])));
  for (let i = 0; i < 20; i++) assertEquals(await pool.execute("echo", [i]), i);
  const states = pool.workers().map(({ state }) => state);
  await pool.terminate();
  // Either worker may have been the first to load the module.
  assertEquals(states.sort(), ["idle", "starting"]);
});

for (const isolation of ["thread", "process"] as const) {
  test(`a worker that becomes ready starts the job that was submitted first (${isolation})`, async () => {
    const pool = new ThreadPool({ size: 2, isolation });
    const started: number[] = [];
    const two = Promise.withResolvers<void>();
    pool.addEventListener("jobstart", ({ detail: { jobId } }) => {
      if (started.push(jobId) === 2) two.resolve();
    });
    const hang = () => new Promise(() => {});
    for (let i = 0; i < 6; i++) pool.execute(hang).catch(() => {});
    await two.promise;
    await pool.terminate();
    assertEquals(started.sort(), [1, 2]);
  });
}

test("a full queue discards jobs that wait for a process, not jobs that were written to it", async () => {
  await using pool = new ThreadPool({
    size: 1,
    isolation: "process",
    queue: { capacity: 1, whenFull: "discard-oldest" },
  });
  const job = (n: number) => n;
  await pool.execute(job, [0]);
  const results = await Promise.allSettled(
    [1, 2, 3, 4].map((n) => pool.execute(job, [n])),
  );
  assertEquals(
    results.map((result) =>
      result.status === "fulfilled" ? result.value : result.reason.name
    ),
    [1, "JobDiscardedError", "JobDiscardedError", 4],
  );
});

test("jobs on the caller's own thread are not passed around between workers", async () => {
  const pool = new ThreadPool({ isolation: "none", size: 2, concurrency: 2 });
  for (const count of [2, 3, 4]) {
    for (let round = 0; round < 20; round++) {
      const numbers = Array.from({ length: count }, (_, i) => i);
      const results = numbers.map((n) => pool.execute((n: number) => n, [n]));
      assertEquals(await Promise.all(results), numbers);
    }
  }
  await pool.close();
});

test("terminate() ends a pool whose process was just killed", async () => {
  for (let n = 0; n < 6; n++) {
    const pool = new ThreadPool({ size: 1, isolation: "process" });
    const pid = await pool.execute(() => Deno.pid);
    assertNotEquals(pid, Deno.pid);
    const waiting = pool.execute(() => new Promise(() => {}));
    const error = waiting.catch(({ name }) => name);
    await delay(20);
    Deno.kill(pid, "SIGKILL");
    block(n);
    await delay(n % 3);
    await pool.terminate();
    const names = ["WorkerCrashedError", "PoolTerminatedError"];
    assertEquals(names.includes(await error as string), true);
  }
});
