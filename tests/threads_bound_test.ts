// Threads that cannot be stopped: how many there may be, and what becomes of them.
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { delay } from "@std/async";
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { countWorkers, eventually, poolTest } from "./live_workers.ts";

function makePool(size: number): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/gates.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size, abortGrace: 30 });
}

/** Aborts a job that holds its thread at this gate, and waits until that is known. */
async function holdThread(
  pool: ThreadPool<typeof jobs>,
  gate: Gate,
): Promise<void> {
  const { lost } = pool.stats();
  const arrived = gate.count + 1;
  const client = new AbortController();
  const job = pool.execute("blockAtGate", [gate.key], client);
  await gate.arrived(arrived);
  client.abort("left");
  assertEquals(await job.catch((reason) => reason), "left");
  await eventually(
    () => pool.stats().lost === lost + 1,
    () => `Expected another lost thread, got ${pool.stats().lost}`,
  );
}

function lostIs(pool: ThreadPool<typeof jobs>, count: number): Promise<void> {
  return eventually(
    () => pool.stats().lost === count,
    () => `Expected ${count} lost threads, got ${pool.stats().lost}`,
  );
}

poolTest(
  "threads that go on never make it more than twice the size, and jobs wait for them",
  async () => {
    await using pool = makePool(1);
    using gate = new Gate();
    await holdThread(pool, gate);
    await holdThread(pool, gate);
    const next = pool.execute("echo", [1]);
    let isDone = false;
    next.then(() => isDone = true);
    await delay(100);
    assertLessOrEqual(await countWorkers(), 2);
    assertEquals([isDone, pool.stats().queued], [false, 1]);
    gate.open();
    assertEquals(await next, 1);
    await lostIs(pool, 0);
  },
);

poolTest(
  "a worker that was left alone takes jobs again when it comes back",
  async () => {
    await using pool = makePool(1);
    const nameOf = () => self.name;
    const name = await pool.execute(nameOf);
    using gate = new Gate();
    await holdThread(pool, gate);
    gate.open();
    await lostIs(pool, 0);
    assertEquals(await pool.execute(nameOf), name);
  },
);

poolTest(
  "a worker that was left alone and hears at last that its job is to end is stopped if it goes on",
  async () => {
    await using pool = makePool(1);
    using gate = new Gate();
    const client = new AbortController();
    const job = pool.execute(
      async (key: SharedArrayBuffer) => {
        const words = new Int32Array(key);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        Atomics.wait(words, 1, 0);
        await new Promise(() => {});
      },
      [gate.key],
      client,
    );
    await gate.arrived();
    client.abort("left");
    await job.catch(() => {});
    await lostIs(pool, 1);
    const stopped = new Promise((resolve) => {
      pool.addEventListener("workerstop", resolve, { once: true });
    });
    gate.open();
    await stopped;
    await lostIs(pool, 0);
  },
);

poolTest(
  "with concurrency, the jobs beside one that cannot be stopped are rejected",
  async () => {
    const module = new URL("./fixtures/gates.ts", import.meta.url);
    await using pool = new ThreadPool<typeof jobs>({
      module,
      size: 1,
      concurrency: 2,
      abortGrace: 30,
    });
    using gate = new Gate();
    const other = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const client = new AbortController();
    const job = pool.execute("blockAtGate", [gate.key], client);
    await gate.arrived(2);
    client.abort("left");
    await job.catch(() => {});
    assertEquals((await other.catch((error) => error)).started, true);
    await lostIs(pool, 1);
    gate.open();
    await lostIs(pool, 0);
  },
);

poolTest("close() does not wait for a thread that goes on", async () => {
  using gate = new Gate();
  const pool = makePool(1);
  await holdThread(pool, gate);
  await pool.close();
  gate.open();
});

poolTest("the number of a worker is not used again", async () => {
  await using pool = makePool(1);
  const ids: number[] = [];
  pool.addEventListener("workerstart", ({ detail }) => {
    ids.push(detail.workerId);
  });
  while (ids.length < 4) {
    await pool.execute(() => self.close()).catch(() => {});
  }
  assertEquals(ids, [1, 2, 3, 4]);
});

poolTest(
  "a worker that something else holds than a job is not taken to idle: a buffer moves at the call",
  async () => {
    await using pool = makePool(2);
    using held = new Gate();
    using long = new Gate();
    const busy = pool.execute("passGate", [long.key]);
    await long.arrived();
    await pool.execute((key: SharedArrayBuffer) => {
      setTimeout(() => {
        const words = new Int32Array(key);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        Atomics.wait(words, 1, 0);
      });
    }, [held.key]);
    await held.arrived();
    const stop = new AbortController();
    const small = pool.execute("echo", [1], stop).catch(() => {});
    await delay(700); // until the worker is known to be held
    stop.abort();
    await small;
    const buffer = new ArrayBuffer(8);
    const result = pool.execute(
      (buffer: ArrayBuffer) => buffer.byteLength,
      [transfer(buffer)],
    );
    assert(buffer.detached);
    held.open();
    long.open();
    assertEquals(await result, 8);
    await busy;
  },
);
