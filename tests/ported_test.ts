// What the tests of other pools promise, promised of this one: of piscina, of
// workerpool, and of the JDK's ThreadPoolExecutor. What other files check is left
// out here, and what has no counterpart: settings that change later, least numbers
// of workers and idle timeouts (not built yet), queues and threads of one's own,
// subclasses' hooks and job events (events and streams serve).
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import {
  JobTimeoutError,
  PoolClosedError,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { makePool, nextEvent, numbersTo, reasonOf } from "./kinds.ts";
import { test } from "./pools.ts";

test("piscina: jobs that share a worker can wait for each other", async () => {
  await using pool = makePool({ concurrency: 2 });
  const meet = async (mine: SharedArrayBuffer, theirs: SharedArrayBuffer) => {
    const words = new Int32Array(mine);
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    await Atomics.waitAsync(new Int32Array(theirs), 0, 0).value;
  };
  const [a, b] = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)];
  await Promise.all([pool.execute(meet, [a, b]), pool.execute(meet, [b, a])]);
  assertEquals(pool.stats().size, 1);
});

test("piscina: a worker that may have two jobs takes the next when one ends", async () => {
  await using pool = makePool({ concurrency: 2 });
  const gates = [new Gate(), new Gate(), new Gate()];
  const jobs = gates.map(({ key }) => pool.execute("workerAtGate", [key]));
  const [first, second, third] = gates;
  await Promise.all([first.arrived(), second.arrived()]);
  assertEquals(third.count, 0);
  second.open();
  await third.arrived();
  first.open();
  third.open();
  assertEquals(await Promise.all(jobs), [1, 1, 1]);
});

test("piscina: jobs that leave a long queue at random leave the others in order", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const ended: number[] = [];
  const leaving = new AbortController();
  const leaves = (i: number) => i * 7 % 3 === 0;
  const jobs = numbersTo(2_000).map((i) => {
    const signal = leaves(i) ? leaving.signal : undefined;
    return pool.execute("echo", [i], { signal }).then(
      () => void ended.push(i),
      () => {},
    );
  });
  leaving.abort();
  gate.open();
  await Promise.all([held, ...jobs]);
  assertEquals(ended, numbersTo(2_000).filter((i) => !leaves(i)));
});

test("piscina: thousands of jobs that each submit the next never run out of stack", async () => {
  await using pool = makePool();
  let count = 0;
  async function next(): Promise<void> {
    await pool.execute("echo", [count++]);
    if (count < 3_000) return next();
  }
  await next();
  assertEquals(count, 3_000);
});

test("piscina: all idle workers wake up for jobs that come at once, again and again", async () => {
  await using pool = makePool({ size: 3 });
  for (let round = 0; round < 5; round++) {
    using gate = new Gate();
    const held = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(3);
    gate.open();
    await Promise.all(held);
  }
  assertEquals(pool.stats().size, 3);
});

test("piscina: a timer that throws after its job has ended harms no later job", async () => {
  await using pool = makePool();
  const died = nextEvent(pool, "workererror");
  const leave = () => {
    setTimeout(() => {
      throw new RangeError("too late for anyone");
    });
    return "returned";
  };
  assertEquals(await pool.execute(leave), "returned");
  assertInstanceOf((await died).detail.error, RangeError);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("piscina: workers see the environment of the program", async () => {
  Deno.env.set("SPINDLE_PORTED", "seen");
  await using pool = makePool();
  const read = () => Deno.env.get("SPINDLE_PORTED");
  assertEquals(await pool.execute(read), "seen");
  Deno.env.delete("SPINDLE_PORTED");
});

test("ThreadPoolExecutor: the count of running jobs rises and falls with them", async () => {
  await using pool = makePool({ size: 2 });
  const { running: before } = pool.stats();
  const gates = [new Gate(), new Gate()];
  const jobs: Promise<unknown>[] = [];
  const counts = [before];
  for (const gate of gates) {
    jobs.push(pool.execute("passGate", [gate.key]));
    await gate.arrived();
    counts.push(pool.stats().running);
  }
  for (const [i, gate] of gates.entries()) {
    gate.open();
    await jobs[i];
    counts.push(pool.stats().running);
  }
  assertEquals(counts, [0, 1, 2, 1, 0]);
});

test("ThreadPoolExecutor: a pool never has more workers than its size", async () => {
  await using pool = makePool({ size: 2 });
  let most = 0;
  pool.addEventListener("workerstart", () => {
    most = Math.max(most, pool.stats().size);
  });
  await Promise.all(numbersTo(60).map((i) => pool.execute("burnFor", [i % 4])));
  assertLessOrEqual(most, 2);
});

test("ThreadPoolExecutor: a closed pool takes no job, whatever its policy", async () => {
  for (const whenFull of ["reject", "discard-oldest", "caller-runs"] as const) {
    const pool = makePool({ queue: { capacity: 1, whenFull } });
    using gate = new Gate();
    using runs = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const queued = pool.execute("echo", ["queued"]);
    const closed = pool.close();
    const late = () => pool.execute("arrive", [runs.key]);
    await assertRejects(late, PoolClosedError);
    gate.open();
    assertEquals(await queued, "queued");
    await Promise.all([held, closed]);
    assertEquals(runs.count, 0);
  }
});

test("ThreadPoolExecutor: what is taken out of the queue never runs, and leaves room", async () => {
  await using pool = makePool({ queue: { capacity: 3, whenFull: "reject" } });
  using gate = new Gate();
  using runs = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const client = new AbortController();
  const queued = [undefined, client.signal, undefined].map((signal) =>
    pool.execute("arrive", [runs.key], { signal })
  );
  const left = reasonOf(queued[1]);
  client.abort("left");
  assertEquals(await left, "left");
  assertEquals(pool.stats().queued, 2);
  const added = pool.execute("arrive", [runs.key]);
  gate.open();
  await Promise.all([held, queued[0], queued[2], added]);
  assertEquals(runs.count, 3);
});

test("ThreadPoolExecutor: the first of several jobs is enough, and all reasons are told", async () => {
  await using pool = makePool({ size: 3 });
  const others = new AbortController();
  const waiting = pool.execute("never", [], others);
  const first = await Promise.any([
    pool.execute("fail"),
    pool.execute("echo", ["first"]),
    waiting,
  ]);
  assertEquals(first, "first");
  others.abort("enough");
  assertEquals(await reasonOf(waiting), "enough");
  const fail = (message: string) => Promise.reject(new RangeError(message));
  const none = Promise.any(
    ["a", "b"].map((text) => pool.execute(fail, [text])),
  );
  const { errors } = await reasonOf(none) as AggregateError;
  assertEquals(errors.map(({ message }) => message), ["a", "b"]);
});

test("ThreadPoolExecutor: a pool whose jobs all fail goes on with the same worker", async () => {
  await using pool = makePool();
  const before = await pool.execute("whichWorker");
  const errors = await Promise.all(
    numbersTo(200).map(() => reasonOf(pool.execute("fail"))),
  );
  assert(errors.every((error) => error instanceof RangeError));
  assertEquals(await pool.execute("whichWorker"), before);
});

test("workerpool: a worker whose job was cancelled and goes on gets no other job", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const before = await pool.execute("whichWorker");
  const client = new AbortController();
  const cancelled = reasonOf(pool.execute("blockAtGate", [gate.key], client));
  await gate.arrived();
  client.abort();
  await cancelled;
  const workers = await Promise.all(
    [1, 2, 3].map(() => pool.execute("whichWorker")),
  );
  assertEquals(new Set(workers).size, 1);
  assertNotEquals(workers[0], before);
});

test("workerpool: the time of a job begins once it leaves the queue", async () => {
  await using pool = makePool({ abortGrace: 10 });
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const quick = pool.execute("echo", ["quick"], { timeout: 60 });
  const slow = reasonOf(pool.execute("never", [], { timeout: 60 }));
  await new Promise((resolve) => setTimeout(resolve, 120));
  gate.open();
  assertEquals(await quick, "quick");
  assertInstanceOf(await slow, JobTimeoutError);
  await held;
});

test("workerpool: crashed workers are replaced up to the size", async () => {
  await using pool = makePool({ size: 2 });
  for (let i = 0; i < 4; i++) {
    await assertRejects(() => pool.execute("exit", [1]), WorkerCrashedError);
  }
  using gate = new Gate();
  const held = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  const { size, queued } = pool.stats();
  assertEquals([size, queued], [2, 1]);
  gate.open();
  await Promise.all(held);
});
