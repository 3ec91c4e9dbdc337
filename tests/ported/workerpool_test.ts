// What workerpool's tests promise of its pool, promised of this one.
//
// No counterpart here: processes in place of threads and their options, captured
// output, a proxy and its list of methods (TypeScript knows a module's functions),
// worker scripts that register themselves, a least number of workers, last-in-first-out
// and other queues, events that a job emits and handlers for a worker's end (a port or
// a stream serves), and a promise class of its own.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async";
import {
  JobNotFoundError,
  JobTimeoutError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "../fixtures/ported.ts";
import { Gate } from "../gate.ts";
import { countWorkers, eventually, poolTest } from "../live_workers.ts";
import { executeUntyped } from "../untyped.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("../fixtures/ported.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

poolTest(
  "a function goes to a worker, with any number of arguments",
  async () => {
    await using pool = makePool();
    assertEquals(await pool.execute("variadic", []), 0);
    assertEquals(await pool.execute("variadic", [1, undefined, null, [2]]), 4);
    assertEquals(await pool.execute("asyncAdd", [3, 4]), 7);
    const inline = await pool.execute(
      async (...numbers: number[]) => await Promise.resolve(numbers.length),
      [1, 2, 3],
    );
    assertEquals(inline, 3);
  },
);

poolTest(
  "while all workers are busy, jobs wait, and leave the queue in order",
  async () => {
    await using pool = makePool({ size: 2 });
    using gate = new Gate();
    const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(2);
    const order: number[] = [];
    const queued = [1, 2, 3].map((i) =>
      pool.execute("echo", [i]).then(() => order.push(i))
    );
    const { queued: waiting, busy, idle } = pool.stats();
    assertEquals({ waiting, busy, idle }, { waiting: 3, busy: 2, idle: 0 });
    gate.open();
    await Promise.all([...held, ...queued]);
    assertEquals(order.toSorted(), [1, 2, 3]);
  },
);

poolTest(
  "an error of a class of the job's own, inside another, keeps what it has",
  async () => {
    await using pool = makePool();
    const error = await assertRejects(
      () => pool.execute("failWithOwnClass"),
      Error,
      "outer",
    );
    const cause = error.cause as Error & { needed: unknown };
    assertInstanceOf(cause, Error);
    assertEquals(cause.name, "NotEnoughError");
    assertEquals(cause.message, "needs 3");
    assertEquals(cause.needed, { count: 3 });
  },
);

poolTest("a rejection with what is no error arrives as it is", async () => {
  await using pool = makePool();
  for (const thrown of ["text", 7, null, { code: 1 }]) {
    const reason = await pool.execute(
      (thrown: unknown) => Promise.reject(thrown),
      [thrown],
    ).catch((reason) => reason);
    assertEquals(reason, thrown);
  }
});

poolTest(
  "jobs that follow one that was cancelled in the queue run",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const cancelled = pool.execute("echo", [1], controller);
    const following = [2, 3].map((i) => pool.execute("echo", [i]));
    const aborted = assertRejects(() => cancelled, DOMException);
    controller.abort();
    await aborted;
    gate.open();
    assertEquals(await Promise.all(following), [2, 3]);
    await held;
  },
);

poolTest(
  "a worker whose job was cancelled and goes on gets no other job",
  async () => {
    await using pool = makePool({ abortGrace: 50 });
    using gate = new Gate();
    const before = await pool.execute("whichWorker");
    const controller = new AbortController();
    const cancelled = pool.execute("blockAtGate", [gate.key], controller);
    const aborted = assertRejects(() => cancelled);
    await gate.arrived();
    controller.abort();
    await aborted;
    const keys = await Promise.all(
      [1, 2, 3].map(() => pool.execute("whichWorker")),
    );
    assertEquals(new Set(keys).size, 1);
    assertNotEquals(keys[0], before);
  },
);

poolTest("the time of a job begins once it leaves the queue", async () => {
  await using pool = makePool({ abortGrace: 10 });
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const options = { timeout: 60 };
  const quick = pool.execute("giveAfter", [5, "quick"], options);
  const slow = pool.execute("giveAfter", [5_000, "slow"], options);
  const late = assertRejects(() => slow, JobTimeoutError);
  await delay(120);
  gate.open();
  assertEquals(await quick, "quick");
  await Promise.all([late, held]);
});

poolTest("crashed workers are replaced up to the size", async () => {
  await using pool = makePool({ size: 2 });
  for (let i = 0; i < 4; i++) {
    await assertRejects(
      () => pool.execute(() => Deno.exit(1)),
      WorkerCrashedError,
    );
  }
  using gate = new Gate();
  const held = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  const { size, queued } = pool.stats();
  assertEquals({ size, queued }, { size: 2, queued: 1 });
  gate.open();
  await Promise.all(held);
});

poolTest("stats() tells of workers and jobs at each step", async () => {
  await using pool = makePool({ size: 3 });
  const look = () => {
    const { size, busy, idle, queued, running } = pool.stats();
    return { size, busy, idle, queued, running };
  };
  const none = { busy: 0, queued: 0, running: 0 };
  assertEquals(look(), { ...none, size: 0, idle: 0 });
  using gate = new Gate();
  const held = Array.from(
    { length: 4 },
    () => pool.execute("passGate", [gate.key]),
  );
  await gate.arrived(3);
  assertEquals(look(), { size: 3, busy: 3, idle: 0, queued: 1, running: 3 });
  gate.open();
  await Promise.all(held);
  assertEquals(look(), { ...none, size: 3, idle: 3 });
  const failing = pool.execute("failAfter", [0, "failed"]);
  await assertRejects(() => failing, RangeError);
  assertEquals(look(), { ...none, size: 3, idle: 3 });
});

poolTest("a wrong name, and what is no name, are refused", async () => {
  await using pool = makePool();
  for (const name of ["noSuchJob", "toString", "__proto__", ""]) {
    await assertRejects(() => executeUntyped(pool, name, []), JobNotFoundError);
  }
  for (const job of [undefined, null, 1, {}, []]) {
    await assertRejects(() => executeUntyped(pool, job, []), TypeError);
  }
  await assertRejects(() => executeUntyped(pool, "echo", "args"), TypeError);
});

poolTest(
  "terminate() rejects what runs and what waits, and the threads end",
  async () => {
    const pool = makePool({ size: 2, name: "ported" });
    using gate = new Gate();
    const results = Array.from(
      { length: 5 },
      () =>
        assertRejects(
          () => pool.execute("passGate", [gate.key]),
          PoolTerminatedError,
        ),
    );
    await gate.arrived(2);
    await pool.terminate();
    await Promise.all(results);
    await eventually(
      async () => await countWorkers() === 0,
      () => "Expected the threads to have ended",
    );
  },
);

poolTest(
  "close() ends the threads after the jobs, whose results arrive",
  async () => {
    const pool = makePool({ size: 2, name: "ported" });
    const results = [1, 2, 3].map((i) => pool.execute("giveAfter", [20, i]));
    let isClosed = false;
    const closed = pool.close().then(() => isClosed = true);
    assertEquals(await Promise.all(results), [1, 2, 3]);
    await closed;
    assert(isClosed);
    await eventually(
      async () => await countWorkers() === 0,
      () => "Expected the threads to have ended",
    );
  },
);
