// Threads that cannot be stopped: how many there may be, and what becomes of them.
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type ThreadPoolOptions, transfer } from "@spindle/thread-pool";
import { blockInline, Gate } from "./gate.ts";
import {
  type JobPool,
  makePool as makeAnyPool,
  nextEvent,
  reasonOf,
} from "./kinds.ts";
import { countWorkers, eventually, poolTest as test } from "./live_workers.ts";
import { tcpPair } from "./sockets.ts";

function makePool(options: ThreadPoolOptions = {}): JobPool {
  return makeAnyPool({ abortGrace: 30, ...options });
}

/** Aborts a job that holds its thread at this gate, and waits until that is known. */
async function holdThread(pool: JobPool, gate: Gate): Promise<void> {
  const { lost } = pool.stats();
  const arrived = gate.count + 1;
  const stop = new AbortController();
  const job = reasonOf(pool.execute("blockAtGate", [gate.key], stop));
  await gate.arrived(arrived);
  stop.abort("left");
  assertEquals(await job, "left");
  await lostIs(pool, lost + 1);
}

function lostIs(pool: JobPool, count: number): Promise<void> {
  return eventually(
    () => pool.stats().lost === count,
    () => `Expected ${count} lost threads, got ${pool.stats().lost}`,
  );
}

test("threads that go on are never more than twice the size, and jobs wait for them", async () => {
  await using pool = makePool();
  using gate = new Gate();
  await holdThread(pool, gate);
  await holdThread(pool, gate);
  const next = pool.execute("echo", [1]);
  let isDone = false;
  next.then(() => isDone = true);
  await new Promise((done) => setTimeout(done, 100));
  assertLessOrEqual(await countWorkers(), 2);
  assertEquals([isDone, pool.stats().queued], [false, 1]);
  gate.open();
  assertEquals(await next, 1);
  await lostIs(pool, 0);
});

for (const connections of ["bytes", "descriptor"] as const) {
  test(`what has moved into a job ends with it though its thread goes on (${connections})`, async () => {
    await using pool = makePool({ connections });
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _client = client;
    let cancelReason: unknown;
    const source = new ReadableStream({
      cancel: (reason) => void (cancelReason = reason),
    });
    const stop = new AbortController();
    const job = pool.execute(
      blockInline,
      [gate.key, server, source],
      { signal: stop.signal },
    );
    await gate.arrived();
    stop.abort("left");
    assertEquals(await reasonOf(job), "left");
    assertEquals(await client.read(new Uint8Array(1)), null);
    assertEquals(pool.stats().lost, 1);
    assertEquals((cancelReason as DOMException).name, "AbortError");
  });
}

test("a worker that was left alone takes jobs again when it comes back", async () => {
  await using pool = makePool();
  const worker = await pool.execute("whichWorker");
  using gate = new Gate();
  await holdThread(pool, gate);
  gate.open();
  await lostIs(pool, 0);
  assertEquals(await pool.execute("whichWorker"), worker);
});

test("a worker that was left alone stops if its job goes on though it hears the abort at last", async () => {
  await using pool = makePool();
  using gate = new Gate();
  using second = new Gate();
  const stop = new AbortController();
  const args = [gate.key, second.key] as const;
  const job = reasonOf(pool.execute("blockThenPass", [...args], stop));
  await gate.arrived();
  stop.abort("left");
  await job;
  await lostIs(pool, 1);
  const stopped = nextEvent(pool, "workerstop");
  gate.open();
  await stopped;
  await lostIs(pool, 0);
});

test("with concurrency, jobs beside one that cannot be stopped reject", async () => {
  await using pool = makePool({ concurrency: 2 });
  using gate = new Gate();
  const beside = reasonOf(pool.execute("passGate", [gate.key]));
  await gate.arrived();
  await holdThread(pool, gate);
  assertEquals((await beside as { started: boolean }).started, true);
  gate.open();
  await lostIs(pool, 0);
});

test("close() does not wait for a thread that goes on", async () => {
  using gate = new Gate();
  const pool = makePool();
  await holdThread(pool, gate);
  await pool.close();
});

test("the number of a worker is not used again", async () => {
  await using pool = makePool();
  const ids: number[] = [];
  pool.addEventListener("workerstart", ({ detail }) => {
    ids.push(detail.workerId);
  });
  while (ids.length < 4) await reasonOf(pool.execute("closeSelf"));
  assertEquals(ids, [1, 2, 3, 4]);
});

test("a worker that something else holds than a job is not taken to be idle: a buffer moves at the call", async () => {
  await using pool = makePool({ size: 2 });
  using held = new Gate();
  using long = new Gate();
  const busy = pool.execute("passGate", [long.key]);
  await long.arrived();
  await pool.execute("blockLater", [held.key]);
  await held.arrived();
  const stop = new AbortController();
  const small = reasonOf(pool.execute("echo", [1], stop));
  await new Promise((done) => setTimeout(done, 600)); // until the worker is known to be held
  stop.abort();
  await small;
  const buffer = new ArrayBuffer(8);
  const result = pool.execute("sum", [transfer(new Uint8Array(buffer))]);
  assert(buffer.detached);
  held.open();
  long.open();
  assertEquals(await result, 0);
  await busy;
});
