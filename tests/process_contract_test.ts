// What a pool promises whatever its workers are, over processes.
import {
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import {
  JobDiscardedError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  type ThreadPoolEventMap,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/processes.ts";
import { liveProcesses } from "./live_processes.ts";
import { poolTest } from "./live_workers.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({
    module: new URL("./fixtures/processes.ts", import.meta.url),
    size: 1,
    isolation: "process",
    ...options,
  });
}

/** Resolves with the next event of a kind. */
function next(
  pool: ThreadPool<typeof jobs>,
  type: keyof ThreadPoolEventMap,
): Promise<Event> {
  return new Promise((resolve) => {
    pool.addEventListener(type, resolve, { once: true });
  });
}

/** A job that goes on until it is told to end, and a way to tell it. */
async function hold(pool: ThreadPool<typeof jobs>) {
  const stop = new AbortController();
  const started = next(pool, "jobstart");
  const result = pool.execute("untilTold", [], stop).catch((reason) => reason);
  await started;
  return { release: () => stop.abort("released"), result };
}

async function workers(): Promise<number> {
  const all = await liveProcesses();
  return all.filter((command) => !command.includes("warden_main")).length;
}

poolTest(
  "a process starts with the first job, and no more than needed",
  async () => {
    await using pool = makePool({ size: 3 });
    assertEquals([pool.stats().size, await workers()], [0, 0]);
    for (let i = 0; i < 3; i++) await pool.execute("echo", [i]);
    assertEquals([pool.stats().size, await workers()], [1, 1]);
  },
);

poolTest(
  "with one job a process, none sees what another has left",
  async () => {
    await using pool = makePool({ maxJobsPerWorker: 1 });
    const pids = [await pool.execute("pid"), await pool.execute("pid")];
    assertNotEquals(pids[0], pids[1]);
    assertEquals(await pool.execute("count"), 1);
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest(
  "a process whose heap has grown is replaced after its job",
  async () => {
    await using pool = makePool({ maxHeapPerWorker: 48 });
    const stopped = next(pool, "workerstop");
    const grow = () => {
      const global = globalThis as unknown as { kept: unknown[] };
      (global.kept ??= []).push(Array.from({ length: 1e6 }, (_, i) => ({ i })));
    };
    let isStopped = false;
    stopped.then(() => isStopped = true);
    for (let i = 0; i < 20 && !isStopped; i++) {
      await pool.execute(grow);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await stopped;
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest(
  "an error that nobody catches in a process costs it alone",
  async () => {
    await using pool = makePool();
    const error = await assertRejects(
      () =>
        pool.execute(() => {
          setTimeout(() => {
            throw new RangeError("left");
          });
          return new Promise(() => {});
        }),
      WorkerCrashedError,
    );
    assertInstanceOf(error.cause, RangeError);
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().crashed, 1);
  },
);

poolTest("a module's listeners for errors count in a process", async () => {
  const source = `addEventListener("error", (e) => e.preventDefault());
    export const leave = () => new Promise((resolve) => {
      setTimeout(() => { setTimeout(resolve); throw new Error("left"); });
    });`;
  await using pool = new ThreadPool({
    module: `data:text/javascript,${encodeURIComponent(source)}`,
    size: 1,
    isolation: "process",
  });
  await pool.execute("leave");
  assertEquals(pool.stats().crashed, 0);
});

poolTest("a full queue rejects jobs for processes", async () => {
  await using pool = makePool({ queue: { capacity: 1, whenFull: "reject" } });
  const held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  await assertRejects(() => pool.execute("echo", [2]), QueueFullError);
  held.release();
  assertEquals(await queued, 1);
});

poolTest("a full queue lets callers wait for processes", async () => {
  await using pool = makePool({ queue: { capacity: 1 } });
  const held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await Promise.resolve();
  assertEquals(isReady, false);
  held.release();
  assertEquals(await queued, 1);
  await ready;
});

poolTest(
  "the oldest job of a full queue for processes is discarded",
  async () => {
    await using pool = makePool({
      queue: { capacity: 1, whenFull: "discard-oldest" },
    });
    const held = await hold(pool);
    const oldest = pool.execute("echo", [1]);
    const newest = pool.execute("echo", [2]);
    await assertRejects(() => oldest, JobDiscardedError);
    held.release();
    assertEquals(await newest, 2);
  },
);

poolTest(
  "a job for a process that is aborted in the queue never starts",
  async () => {
    await using pool = makePool();
    const held = await hold(pool);
    const stop = new AbortController();
    const queued = pool.execute("count", [], stop);
    stop.abort(new RangeError("no"));
    await assertRejects(() => queued, RangeError);
    held.release();
    await held.result;
    assertEquals(await pool.execute("count"), 1);
  },
);

poolTest("drain() resolves when processes have done all jobs", async () => {
  await using pool = makePool({ size: 2 });
  let ended = 0;
  for (let i = 0; i < 6; i++) pool.execute("echo", [i]).then(() => ended++);
  await pool.drain();
  await Promise.resolve();
  assertEquals(ended, 6);
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest("close() lets processes finish, and refuses new jobs", async () => {
  const pool = makePool();
  const held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  const closed = pool.close();
  await assertRejects(() => pool.execute("echo", [2]), PoolClosedError);
  held.release();
  assertEquals(await queued, 1);
  await closed;
  assertEquals(await liveProcesses(), []);
});

poolTest("terminate() after close() ends processes at once", async () => {
  const pool = makePool();
  const result = pool.execute("never").catch((reason) => reason);
  await next(pool, "jobstart");
  const closed = pool.close();
  await pool.terminate("enough");
  assertInstanceOf(await result, PoolTerminatedError);
  await closed;
  assertEquals(await liveProcesses(), []);
});

poolTest("terminate() while a process starts leaves none", async () => {
  const pool = makePool({ size: 2 });
  const results = [pool.execute("pid"), pool.execute("pid")];
  const settled = Promise.allSettled(results);
  await pool.terminate();
  await settled;
  assertEquals(await liveProcesses(), []);
});

poolTest("events tell of processes and their jobs, in order", async () => {
  const pool = makePool();
  const seen: string[] = [];
  for (
    const type of [
      "workerstart",
      "jobstart",
      "jobend",
      "drain",
      "workerstop",
    ] as const
  ) pool.addEventListener(type, () => seen.push(type));
  await pool.execute("echo", [1]);
  await pool.close();
  assertEquals(seen.filter((type) => type !== "drain"), [
    "workerstart",
    "jobstart",
    "jobend",
    "workerstop",
  ]);
});

poolTest("stats() counts what has come of jobs in processes", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  await pool.execute("fail").catch(() => {});
  await pool.execute("loop", [], { timeout: 20 }).catch(() => {});
  await pool.execute("exit", [1]).catch(() => {});
  const { completed, failed, timedOut, aborted, crashed } = pool.stats();
  assertEquals({ completed, failed, timedOut, aborted, crashed }, {
    completed: 1,
    failed: 2,
    timedOut: 1,
    aborted: 0,
    crashed: 1,
  });
});
