// Threads that cannot be stopped: how many there can be, and what happens to them.
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { delay } from "@std/async";
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

/** Aborts a job that holds its thread at this gate, and waits until it is left alone. */
async function leaveAlone(
  pool: JobPool,
  gate: Gate,
  execute: (options: { signal: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  const { lost } = pool.stats();
  const arrived = gate.count + 1;
  const stop = new AbortController();
  const job = reasonOf(execute({ signal: stop.signal }));
  await gate.arrived(arrived);
  stop.abort("left");
  assertEquals(await job, "left");
  await lostIs(pool, lost + 1);
}

/** Leaves a job alone that does nothing else. */
function holdThread(pool: JobPool, gate: Gate): Promise<void> {
  return leaveAlone(
    pool,
    gate,
    (options) => pool.execute("blockAtGate", [gate.key], options),
  );
}

function lostIs(pool: JobPool, count: number): Promise<void> {
  return eventually(
    () => pool.stats().lost === count,
    () => `Expected ${count} lost threads, got ${pool.stats().lost}`,
  );
}

test("threads that cannot be stopped are at most twice the size, and jobs wait for them", async () => {
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
  test(`values that moved into a job end with the job, even if its thread runs on (${connections})`, async () => {
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

test("a worker that was left alone accepts jobs again when its job ends", async () => {
  await using pool = makePool();
  const worker = await pool.execute("whichWorker");
  using gate = new Gate();
  await holdThread(pool, gate);
  gate.open();
  await lostIs(pool, 0);
  assertEquals(await pool.execute("whichWorker"), worker);
});

test("a worker that was left alone accepts jobs again after jobs with large results", async () => {
  await using pool = makePool({ abortGrace: 300 });
  const worker = await pool.execute("whichWorker");
  // A worker starts no job while two large results are unread.
  for (let i = 0; i < 2; i++) {
    using gate = new Gate();
    await leaveAlone(pool, gate, (options) =>
      pool.execute(
        (key: SharedArrayBuffer) => {
          const words = new Int32Array(key);
          Atomics.add(words, 0, 1);
          Atomics.notify(words, 0);
          Atomics.wait(words, 1, 0);
          return new Uint8Array(100_000);
        },
        [gate.key],
        options,
      ));
    gate.open();
    await eventually(
      () => pool.stats().idle === 1,
      () => "It is not back",
    );
  }
  assertEquals(await pool.execute("whichWorker"), worker);
});

test("a stream that a job returns after it was left alone is canceled", async () => {
  await using pool = makePool();
  using gate = new Gate();
  using canceled = new Gate();
  await leaveAlone(pool, gate, (options) =>
    pool.execute(
      (key: SharedArrayBuffer, canceledKey: SharedArrayBuffer) => {
        const words = new Int32Array(key);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        Atomics.wait(words, 1, 0);
        const cancel = () => {
          const words = new Int32Array(canceledKey);
          Atomics.add(words, 0, 1);
          Atomics.notify(words, 0);
        };
        return new ReadableStream({ cancel });
      },
      [gate.key, canceled.key],
      options,
    ));
  gate.open();
  await canceled.arrived();
});

test("chunks that a worker left alone has written arrive even if main was busy when it came back", async () => {
  await using pool = makePool();
  // A stream of an earlier job; the next job writes to it.
  const stream = await pool.execute(() => {
    const { readable, writable } = new TransformStream();
    Object.assign(globalThis, { writer: writable.getWriter() });
    return readable;
  }) as ReadableStream<Uint8Array>;
  const reader = stream.getReader();
  const chunk = reader.read();
  using gate = new Gate();
  await leaveAlone(pool, gate, (options) =>
    pool.execute(
      (key: SharedArrayBuffer) => {
        const words = new Int32Array(key);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        Atomics.wait(words, 1, 0);
        const { writer } = globalThis as unknown as {
          writer: WritableStreamDefaultWriter;
        };
        writer.write(new Uint8Array([2]));
        // By then, the turn that wrote the chunk is over.
        setTimeout(() => setTimeout(() => Atomics.add(words, 0, 1)));
      },
      [gate.key],
      options,
    ));
  // Until then, the pool checks by itself.
  await delay(300);
  gate.open();
  // Main receives nothing until everything is written.
  while (gate.count < 2);
  assertEquals((await chunk).value, new Uint8Array([2]));
  assertEquals(pool.stats().lost, 0);
  await reader.cancel();
});

test("a worker that was left alone stops if its job continues after it receives the abort", async () => {
  await using pool = makePool();
  using gate = new Gate();
  using second = new Gate();
  const args = [gate.key, second.key] as const;
  await leaveAlone(
    pool,
    gate,
    (options) => pool.execute("blockThenPass", [...args], options),
  );
  const stopped = nextEvent(pool, "workerstop");
  gate.open();
  await stopped;
  await lostIs(pool, 0);
});

test("a worker that is left alone twice has its last grace each time", async () => {
  await using pool = makePool({ abortGrace: 400 });
  const worker = await pool.execute("whichWorker");
  for (let i = 0; i < 2; i++) {
    using gate = new Gate();
    using second = new Gate();
    const args = [gate.key, second.key] as const;
    await leaveAlone(
      pool,
      gate,
      (options) => pool.execute("blockThenPass", [...args], options),
    );
    gate.open();
    // The job receives the abort, and the pool notices.
    await second.arrived();
    await lostIs(pool, 0);
    await delay(50);
    second.open();
    await eventually(() => pool.stats().idle === 1, () => "It is not back");
    // The first grace is over by now.
    await delay(450);
  }
  assertEquals(await pool.execute("whichWorker"), worker);
});

test("with concurrency, jobs that run alongside a job that cannot be stopped reject", async () => {
  await using pool = makePool({ concurrency: 2 });
  using gate = new Gate();
  const beside = reasonOf(pool.execute("passGate", [gate.key]));
  await gate.arrived();
  await holdThread(pool, gate);
  assertEquals((await beside as { started: boolean }).started, true);
  gate.open();
  await lostIs(pool, 0);
});

test("close() does not wait for a thread that cannot be stopped", async () => {
  using gate = new Gate();
  const pool = makePool();
  await holdThread(pool, gate);
  await pool.close();
});

test("worker ids are not reused", async () => {
  await using pool = makePool();
  const ids: number[] = [];
  pool.addEventListener("workerstart", ({ detail }) => {
    ids.push(detail.workerId);
  });
  while (ids.length < 4) await reasonOf(pool.execute("closeSelf"));
  assertEquals(ids, [1, 2, 3, 4]);
});

test("a worker blocked by something other than a job does not count as idle: a buffer moves at the call", async () => {
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
