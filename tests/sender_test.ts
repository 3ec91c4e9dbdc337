// A sender calls its pool from wherever it has moved, even from the pool's own jobs.
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  JobCloneError,
  JobTimeoutError,
  PoolClosedError,
  PoolTerminatedError,
  type Sender,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import {
  Sender as SenderOfCopy,
  type SenderTarget,
} from "../src/moving/sender.ts?copy=2";
import type * as jobs from "./fixtures/sender_jobs.ts";
import { Gate } from "./gate.ts";
import { type Kind, KIND_NAMES, KINDS } from "./kinds.ts";
import { eventually, isLacking } from "./live_workers.ts";
import { poolOf, test } from "./pools.ts";
import { runScript } from "./script.ts";

function makePool(options: ThreadPoolOptions = {}, kind: Kind = "thread") {
  return poolOf<typeof jobs>("sender_jobs", { ...KINDS[kind], ...options });
}

for (const kind of KIND_NAMES) {
  const name = `sender() in a ${kind}`;
  const eachKind = (
    what: string,
    options: ThreadPoolOptions,
    check: (pool: ThreadPool<typeof jobs>) => Promise<void>,
  ) => {
    if (isLacking(`${what} (${kind})`)) return;
    test(`${name}: ${what}`, async () => {
      await using pool = makePool(options, kind);
      await check(pool);
    });
  };

  eachKind("sends jobs to another pool", { size: 1 }, async (pool) => {
    await using other = makePool({ size: 2 });
    const called = pool.execute("calls", [other.sender(), "square", 5]);
    assertEquals(await called, [0, 1, 4, 9, 16]);
    assertEquals(other.stats().completed, 5);
  });

  eachKind("sends jobs to its own pool", { size: 2 }, async (pool) => {
    const called = pool.execute("calls", [pool.sender(), "square", 100]);
    assertEquals((await called).length, 100);
    await pool.drain();
    assertEquals(pool.stats().completed, 101);
  });

  eachKind(
    "waits for jobs of its own pool, nested deeper than the number of workers",
    { size: 2 },
    async (pool) => {
      assertEquals(await pool.execute("descend", [pool.sender(), 9]), 9);
    },
  );

  eachKind("sorts with jobs that wait for jobs", { size: 2 }, async (pool) => {
    const list = Array.from({ length: 40 }, (_, i) => i * 17 % 40);
    const sorted = await pool.execute("sort", [pool.sender(), list]);
    assertEquals(sorted, list.toSorted((a, b) => a - b));
  });

  eachKind(
    "a job that runs where it is awaited is the current job",
    { size: 1 },
    async (pool) => {
      const names = await pool.execute("currentJobs", [pool.sender()]);
      const child = ["currentJobLater", "currentJobLater"];
      assertEquals(names, ["currentJobs", child, "currentJobs"]);
      assertEquals(await pool.execute("nameAndWorker"), "nameAndWorker 1");
    },
  );

  eachKind(
    "ready() does not deadlock in a job of its own pool when the queue is full",
    { size: 1, queue: { capacity: 1 } },
    async (pool) => {
      const called = pool.execute("waitsForRoom", [pool.sender(), 5]);
      assertEquals(await called, [0, 1, 4, 9, 16]);
    },
  );

  eachKind(
    "a job that is awaited runs even if earlier jobs of its key wait",
    { size: 1 },
    async (pool) => {
      const called = pool.execute("callsKeyed", [pool.sender(), 5, "k"]);
      const before = pool.execute("square", [3], { key: "k" });
      const counted = Array.fromAsync(
        pool.stream("count", [3], { key: "k" }),
      );
      assertEquals(await called, 25);
      assertEquals(await before, 9);
      assertEquals(await counted, [0, 1, 2]);
      const { completed, queued, running } = pool.stats();
      assertEquals([completed, queued, running], [4, 0, 0]);
    },
  );

  eachKind(
    "jobs in all workers can wait for jobs of one key",
    { size: 2 },
    async (pool) => {
      const called = [2, 3, 4].map((n) => {
        return pool.execute("callsKeyed", [pool.sender(), n, "k"]);
      });
      const between = pool.execute("square", [5], { key: "k" });
      assertEquals(await Promise.all([...called, between]), [4, 9, 16, 25]);
    },
  );

  for (const job of ["loop", "loopLater"] as const) {
    eachKind(
      `a timeout ends a job that another job awaits, and the pool continues (${job})`,
      { size: 1, abortGrace: 50 },
      async (pool) => {
        const called = pool.execute("callsLoop", [pool.sender(), job, 50]);
        // If the loop continues, its worker is stopped, and the waiting job is lost.
        const isGuarded = kind !== "killable thread" && job === "loop";
        const expected = isGuarded ? "JobTimeoutError" : "WorkerCrashedError";
        assertEquals(await called.catch(({ name }) => name), expected);
        assertEquals(await pool.execute("square", [2]), 4);
        assertEquals(pool.stats().timedOut, 1);
      },
    );
  }

  eachKind("refused calls reject with an error", { size: 2 }, async (pool) => {
    const rejections = await pool.execute("rejections", [pool.sender()]);
    assertEquals(
      rejections.map((text) => text.slice(0, 60)),
      [
        "RangeError: no",
        'JobNotFoundError: Job "missing" not found: the module export',
        "TypeError: Expected `job` to be the name of a job or a funct",
        "JobCloneError: args[0] (a function) cannot be cloned",
        "TypeError: Unknown option `timeuot`: did you mean `timeout`?",
        "Error: gone",
        "JobCloneError: result (Response) cannot go through a sender",
        "RangeError: Expected `timeout` to be a number of ms above 0 ",
      ].map((text) => text.slice(0, 60)),
    );
  });

  for (const size of [1, 2]) {
    const where = size === 1 ? "where it is awaited" : "in another worker";
    eachKind(`aborts a job ${where}`, { size }, async (pool) => {
      assertEquals(await pool.execute("aborts", [pool.sender()]), "enough");
    });

    eachKind(`times out a job ${where}`, { size }, async (pool) => {
      const { name } = JobTimeoutError;
      const timesOut = pool.execute("timesOut", [pool.sender()]);
      assertEquals(await timesOut, `${name} ${name}`);
    });
  }
}

test("sender() moves bytes there and back", async () => {
  await using pool = makePool({ size: 2 });
  const size = 100_000;
  const moved = await pool.execute("movesThere", [pool.sender(), size]);
  assertEquals(moved, { left: 0, size, last: 255 });
});

test("sender(): an inline job is sent as source code", async () => {
  await using pool = new ThreadPool(2);
  const product = await pool.execute(async (sender: Sender) => {
    return await sender.execute((a: number, b: number) => a * b, [6, 7]);
  }, [pool.sender()]);
  assertEquals(product, 42);
});

test("sender() on its own thread runs jobs like execute()", async () => {
  await using pool = makePool();
  using sender = pool.sender();
  await sender.ready();
  assertEquals(await sender.execute("square", [3]), 9);
});

test("sender(): a sender that has moved or is closed rejects its calls", async () => {
  await using pool = makePool();
  const sender = pool.sender();
  using clone = sender.clone();
  await pool.execute("keeps", [sender]);
  await assertRejects(() => sender.execute("square", [1]), PoolClosedError);
  await assertRejects(
    async () => await pool.execute("keeps", [sender]),
    Error,
    "args[0] (Sender) is closed, or has moved into a job",
  );
  assertEquals(await clone.execute("square", [2]), 4);
  clone.close();
  clone.close();
  assertThrows(() => clone.clone(), PoolClosedError, "The sender is closed");
});

test("sender(): a sender of another copy of the package is refused with a clear error", async () => {
  await using pool = makePool();
  const sender = new SenderOfCopy({} as SenderTarget);
  await assertRejects(
    () => Reflect.apply(pool.execute, pool, ["keeps", [sender]]),
    JobCloneError,
    "args[0] (Sender) belongs to another copy of `@spindle/thread-pool`",
  );
});

test("sender() is closed when its job ends", async () => {
  await using pool = makePool();
  await pool.execute("keeps", [pool.sender()]);
  assertEquals(
    await pool.execute("usesKept"),
    "PoolClosedError: The job to which the sender has moved has ended",
  );
});

test("close() waits for senders, and refuses other jobs", async () => {
  const pool = makePool();
  const sender = pool.sender();
  let isClosed = false;
  const closed = pool.close().then(() => isClosed = true);
  await assertRejects(() => pool.execute("square", [1]), PoolClosedError);
  assertThrows(() => pool.sender(), PoolClosedError);
  assertEquals(await sender.execute("square", [2]), 4);
  assertEquals(isClosed, false);
  sender.close();
  await closed;
});

test("close() resolves after a job with a sender has exited its worker", async () => {
  const pool = makePool({ size: 2 });
  const exits = assertRejects(() => pool.execute("exits", [pool.sender()]));
  await exits;
  await pool.close();
});

test("close() waits for jobs that another job has sent without awaiting them", async () => {
  const pool = makePool({ size: 1 });
  await pool.execute("leaves", [pool.sender()]);
  await pool.close();
  const { completed, crashed } = pool.stats();
  assertEquals([completed, crashed], [2, 0]);
});

test("close() waits for a job that was sent to a worker that no longer waits for it", async () => {
  const pool = makePool({ size: 1 });
  using gate = new Gate();
  const job = pool.execute("leavesAtGate", [pool.sender(), gate.key]);
  await gate.arrived();
  // The job arrives, and is sent to the worker that seems to await it, or has run there.
  await eventually(() => {
    const { queued, completed } = pool.stats();
    return queued + completed === 1;
  }, () => "It has not come");
  gate.open();
  await job;
  await pool.close();
  const { completed, failed } = pool.stats();
  assertEquals([completed, failed], [2, 0]);
});

test("terminate() ends senders", async () => {
  const pool = makePool();
  const sender = pool.sender();
  const job = assertRejects(
    () => sender.execute("untilAborted"),
    PoolTerminatedError,
  );
  await pool.terminate();
  await job;
  await assertRejects(() => sender.execute("square", [1]), PoolTerminatedError);
  await assertRejects(() => sender.ready(), PoolTerminatedError);
});

test("sender(): random jobs that wait and jobs that do not all end", async () => {
  await using pool = makePool({ size: 2, queue: { capacity: 4 } });
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < 60; i++) {
    const sender = pool.sender();
    all.push(
      i % 3 === 0
        ? pool.execute("descend", [sender, i % 7])
        : i % 3 === 1
        ? pool.execute("waitsForRoom", [sender, i % 5])
        : pool.execute("calls", [sender, "square", i % 4]),
    );
  }
  assertEquals((await Promise.all(all)).length, 60);
});

test("sender(): a job that is no longer awaited is not lost", async () => {
  const pool = makePool();
  await pool.execute("leavesTwo", [pool.sender()]);
  await pool.close();
  assertEquals(pool.stats().completed, 3);
});

test("sender(): a function that cannot be sent rejects only its own call", async () => {
  await using pool = makePool({ size: 2 });
  assertStringIncludes(
    await pool.execute("callsNative", [pool.sender()]),
    "TypeError: Expected `job` to be a self-contained function, got a native",
  );
  assertEquals(pool.stats().crashed, 0);
});

test("sender(): calls in progress are answered after the sender is closed or has moved", async () => {
  await using pool = makePool({ size: 2 });
  assertEquals(await pool.execute("givesItself", [pool.sender()]), 5);
});

test("sender(): a refused call moves nothing, and does not delay close()", async () => {
  const pool = makePool({ size: 2 });
  assertEquals(await pool.execute("isRefused", [pool.sender()]), 8);
  await pool.close();
});

test("close() does not wait for the sender of a job that is left alone", async () => {
  const pool = makePool({ abortGrace: 20 });
  const stop = new AbortController();
  const { signal } = stop;
  const job = pool.execute("runsOn", [pool.sender()], { signal });
  setTimeout(() => stop.abort("enough"), 50);
  assertEquals(await job.catch((reason) => reason), "enough");
  await pool.close();
});

test("sender(): a used-up worker whose job waits runs the job that it waits for", async () => {
  await using pool = makePool({ concurrency: 2, maxJobsPerWorker: 1 });
  assertEquals(await pool.execute("descend", [pool.sender(), 2]), 2);
});

test("sender(): a pool that shrinks while its jobs wait continues", async () => {
  await using pool = makePool({ size: 2 });
  const other = pool.execute("waits", [300]);
  const waiting = pool.execute("calls", [pool.sender(), "square", 3]);
  pool.resize(1);
  assertEquals(await waiting, [0, 1, 4]);
  await other;
});

test("sender(): jobs of a key run one at a time, even if they are awaited", async () => {
  await using pool = makePool({ size: 2 });
  const shared = new SharedArrayBuffer(8);
  await Promise.all([1, 2, 3].map(() => {
    return pool.execute("keyed", [pool.sender(), shared]);
  }));
  assertEquals([...new Int32Array(shared)], [0, 0]);
});

test("an open sender does not keep the process alive", async () => {
  const { stdout } = await runScript("scripts/open_sender.ts", "-A");
  assertEquals(stdout, "object\n");
});

test("sender(): jobs that wait for each other too deeply are refused, and the pool continues", async () => {
  await using pool = makePool({ size: 1 });
  const { message } = await assertRejects(
    () => pool.execute("descend", [pool.sender(), 2_000]),
    RangeError,
  );
  assertStringIncludes(message, "can hold no more of them");
  assertEquals(await pool.execute("descend", [pool.sender(), 1_000]), 1_000);
});

test("sender(): many jobs of one worker can wait at once", async () => {
  await using pool = makePool({ size: 1, concurrency: 400 });
  const all = Array.from({ length: 400 }, () => {
    return pool.execute("descend", [pool.sender(), 2]);
  });
  assertEquals(new Set(await Promise.all(all)), new Set([2]));
});

test("sender(): values that move with a job that runs aside move once", async () => {
  await using pool = makePool({ concurrency: 2, maxJobsPerWorker: 2 });
  const all = Array.from({ length: 8 }, () => {
    return pool.execute("movesThere", [pool.sender(), 100]);
  });
  for (const { size } of await Promise.all(all)) assertEquals(size, 100);
});
