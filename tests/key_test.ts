// Tests of the option `key` of execute(): jobs with the same key take turns.
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  JobDiscardedError,
  JobTimeoutError,
  PoolTerminatedError,
  type Sender,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import {
  hold,
  type Kind,
  KIND_NAMES,
  makePool,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

const POOLS: Record<string, [ThreadPoolOptions, Kind]> = {
  "two threads": [{ size: 2 }, "thread"],
  "two killable threads": [{ size: 2 }, "killable thread"],
  "two processes": [{ size: 2 }, "process"],
  "two threads, concurrency 4": [{ size: 2, concurrency: 4 }, "thread"],
};

for (const [name, [options, kind]] of Object.entries(POOLS)) {
  test(`key: jobs with the same key run one at a time, in order, whatever their priority (${name})`, async () => {
    await using pool = makePool(options, kind);
    const order: Record<string, number[]> = { a: [], b: [], c: [] };
    // Maximum number of jobs of one key that run in a worker at once.
    const company: number[] = [];
    const jobs = numbersTo(12).map(async (i) => {
      const key = "abc"[i % 3];
      const settings = { key, priority: i % 5 };
      if (i % 3 > 0) {
        assertEquals(await pool.execute("echo", [i], settings), i);
      } else company.push(await pool.execute("countCompany", [1], settings));
      order[key].push(i);
    });
    await Promise.all(jobs);
    assertEquals(order, {
      a: [0, 3, 6, 9],
      b: [1, 4, 7, 10],
      c: [2, 5, 8, 11],
    });
    assertEquals(company, [1, 1, 1, 1]);
  });
}

test("key: jobs with other keys, and without a key, run meanwhile", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const first = pool.execute("passGate", [gate.key], { key: "a" });
  const second = pool.execute("echo", [2], { key: "a" });
  await gate.arrived();
  assertEquals(await pool.execute("echo", [3], { key: "b" }), 3);
  assertEquals(await pool.execute("echo", [4], { key: 1 }), 4);
  assertEquals(await pool.execute("echo", [5]), 5);
  assertEquals(pool.stats().queued, 1);
  gate.open();
  await first;
  assertEquals(await second, 2);
});

test("key: a string and a number are different keys", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const first = pool.execute("passGate", [gate.key], { key: "1" });
  const second = pool.execute("passGate", [gate.key], { key: 1 });
  await gate.arrived(2);
  gate.open();
  await Promise.all([first, second]);
});

test("key: new keys are spread over workers, and each stays with its worker while it is free", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const at = ["a", "b"].map((key) =>
    pool.execute("workerAtGate", [gate.key], { key })
  );
  await gate.arrived(2);
  gate.open();
  const [a, b] = await Promise.all(at);
  assertNotEquals(a, b);
  for (const key of "abbaaabbab") {
    const worker = await pool.execute("workerId", [], { key });
    assertEquals(worker, key === "a" ? a : b);
  }
});

test("key: jobs with new keys go to a free worker while another worker is blocked", async () => {
  await using pool = makePool({ size: 2 });
  using first = new Gate();
  const at = pool.execute("workerId", [], { key: "a" });
  await pool.execute("echo", [0]);
  const home = await at;
  const held = pool.execute("blockAtGate", [first.key], { key: "a" });
  await first.arrived();
  // These keys have no worker yet.
  const others = numbersTo(8).map((i) =>
    pool.execute("workerId", [], { key: i })
  );
  for (const other of await Promise.all(others)) assertNotEquals(other, home);
  first.open();
  await held;
});

/** Ways in which a job with a key ends; `end()` returns what the job rejects with. */
const ENDS: Record<string, {
  options?: ThreadPoolOptions;
  kinds?: Kind[];
  end(pool: ReturnType<typeof makePool>): Promise<unknown>;
  check(reason: unknown): void;
}> = {
  "is aborted while it waits": {
    async end(pool) {
      using holder = await hold(pool);
      const stop = new AbortController();
      const { signal } = stop;
      const before = pool.execute("echo", [0], { key: "a" });
      const job = reasonOf(pool.execute("echo", [0], { key: "a", signal }));
      stop.abort("enough");
      const reason = await job;
      holder.open();
      await before;
      return reason;
    },
    check: (reason) => assertEquals(reason, "enough"),
  },
  "is aborted while it runs": {
    end(pool) {
      const stop = new AbortController();
      pool.addEventListener("jobstart", () => stop.abort("enough"), {
        once: true,
      });
      const { signal } = stop;
      return reasonOf(pool.execute("untilTold", [], { key: "a", signal }));
    },
    check: (reason) => assertEquals(reason, "enough"),
  },
  "times out": {
    end: (pool) =>
      reasonOf(pool.execute("untilTold", [], { key: "a", timeout: 20 })),
    check: (reason) => assert(reason instanceof JobTimeoutError),
  },
  "fails": {
    end: (pool) => reasonOf(pool.execute("fail", [], { key: "a" })),
    check: (reason) => assert(reason instanceof RangeError),
  },
  "cannot be sent": {
    end: (pool) =>
      reasonOf(pool.execute("echo", [() => {}] as never, { key: "a" })),
    check: (reason) => assertEquals((reason as Error).name, "JobCloneError"),
  },
  "crashes its worker": {
    end: (pool) => reasonOf(pool.execute(() => Deno.exit(1), [], { key: "a" })),
    check: (reason) => assert(reason instanceof WorkerCrashedError),
  },
};

for (const [how, { end, check }] of Object.entries(ENDS)) {
  for (const kind of KIND_NAMES) {
    test(`key: the next job runs when one ${how} (${kind})`, async () => {
      await using pool = makePool({ abortGrace: 20 }, kind);
      const ended = end(pool);
      const rest = numbersTo(3).map((i) =>
        pool.execute("echo", [i], { key: "a" })
      );
      check(await ended);
      assertEquals(await Promise.all(rest), [0, 1, 2]);
    });
  }
}

test("key: the next job waits until an aborted job has ended", async () => {
  await using pool = makePool({ size: 2, abortGrace: Infinity });
  using first = new Gate();
  const stop = new AbortController();
  const { signal } = stop;
  const job = pool.execute("passGate", [first.key], { key: "a", signal });
  const aborted = reasonOf(job);
  await first.arrived();
  using second = new Gate();
  const next = pool.execute("passGate", [second.key], { key: "a" });
  stop.abort("enough");
  assertEquals(await aborted, "enough");
  await pool.execute("echo", [1]);
  assertEquals([second.count, pool.stats().queued], [0, 1]);
  first.open();
  await second.arrived();
  second.open();
  await next;
});

test("key: the next job runs when a blocked thread is left alone", async () => {
  await using pool = makePool({ abortGrace: 10 });
  using gate = new Gate();
  const stop = new AbortController();
  const { signal } = stop;
  const job = pool.execute("blockAtGate", [gate.key], { key: "a", signal });
  const aborted = reasonOf(job);
  const next = pool.execute("echo", [1], { key: "a" });
  await gate.arrived();
  stop.abort("enough");
  assertEquals(await aborted, "enough");
  // The thread is still blocked, because the gate is closed.
  assertEquals(await next, 1);
});

test("key: discarding a job lets the next job of its key run, and jobs that wait for their key count", async () => {
  const queue = { capacity: 2, whenFull: "discard-oldest" } as const;
  await using pool = makePool({ queue });
  using holder = await hold(pool);
  const jobs = numbersTo(3).map((i) => {
    const job = pool.execute("echo", [i], { key: "a" });
    job.catch(() => {});
    return job;
  });
  assertEquals(pool.stats().queued, 2);
  assert(await reasonOf(jobs[0]) instanceof JobDiscardedError);
  holder.open();
  assertEquals(await Promise.all(jobs.slice(1)), [1, 2]);
});

test("key: terminate() rejects the jobs that wait for their key", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  const jobs = numbersTo(4).map(() =>
    reasonOf(pool.execute("passGate", [gate.key], { key: "a" }))
  );
  await gate.arrived();
  await pool.terminate();
  for (const reason of await Promise.all(jobs)) {
    assert(reason instanceof PoolTerminatedError);
  }
});

test("key: close() and drain() wait for the jobs that wait for their key", async () => {
  const pool = makePool({ size: 2 });
  let ended = 0;
  for (const i of numbersTo(20)) {
    pool.execute("echo", [i], { key: "a" }).then(() => ended++);
  }
  await pool.drain();
  assertEquals(pool.stats().completed, 20);
  for (const i of numbersTo(20)) {
    pool.execute("echo", [i], { key: "a" }).then(() => ended++);
  }
  await pool.close();
  assertEquals(ended, 40);
});

test("key: with caller-runs, the caller runs no job whose key is in use", async () => {
  const queue = { capacity: 0, whenFull: "caller-runs" } as const;
  await using pool = makePool({ queue });
  using gate = new Gate();
  const first = pool.execute("workerAtGate", [gate.key], { key: "a" });
  await gate.arrived();
  const second = pool.execute("workerId", [], { key: "a" });
  assertEquals(await pool.execute("workerId", [], { key: "b" }), 0);
  gate.open();
  assertEquals([await first, await second], [1, 1]);
});

test("key: each job of a key runs once, in order, even if maxJobsPerWorker replaces its worker", async () => {
  await using pool = makePool({ size: 2, maxJobsPerWorker: 3 });
  const order: number[] = [];
  const jobs = numbersTo(30).map(async (i) => {
    await pool.execute("echo", [i], { key: i % 2 });
    order.push(i);
  });
  await Promise.all(jobs);
  for (const rest of [0, 1]) {
    const ofKey = order.filter((i) => i % 2 === rest);
    assertEquals(ofKey, numbersTo(15).map((i) => 2 * i + rest));
  }
});

test("key: with isolation none, no job of a key waits behind another job", async () => {
  await using pool = new ThreadPool({ isolation: "none", size: 2 });
  await pool.start();
  const f = () => 1;
  await pool.execute(f, [], { key: "a" });
  await pool.execute(f);
  await pool.execute(f, [], { key: "b" });
  const stop = new AbortController();
  const { signal } = stop;
  const never = pool.execute(() => new Promise(() => {}), [], {
    key: "b",
    signal,
  });
  assertEquals(await pool.execute(f, [], { key: "a" }), 1);
  stop.abort("enough");
  assertEquals(await never.catch((reason) => reason), "enough");
});

test("key: jobs that wait for their turn start no workers", async () => {
  await using pool = makePool({ size: { min: 0, max: 4 } });
  await pool.execute("echo", [1], { key: "k" });
  const jobs = numbersTo(20).map((i) => {
    return pool.execute("echo", [i], { key: "k" });
  });
  await Promise.all(jobs);
  assert(pool.stats().size <= 2, `${pool.stats().size} workers`);
});

test("key: a job that waits in ready() continues even if only jobs of its own key wait", async () => {
  await using pool = new ThreadPool({ size: 2, queue: { capacity: 0 } });
  using gate = new Gate();
  const give = async (sender: Sender, key: SharedArrayBuffer) => {
    const words = new Int32Array(key);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    await Atomics.waitAsync(words, 1, 0).value;
    await sender.ready();
    return await sender.execute(() => "given");
  };
  const options = { key: "a" };
  const job = pool.execute(give, [pool.sender(), gate.key], options);
  await gate.arrived();
  const behind = pool.execute(() => "behind", [], options);
  gate.open();
  assertEquals(await Promise.all([job, behind]), ["given", "behind"]);
});
