// Behavior promised by the tests of piscina, of workerpool and of the JDK's
// ThreadPoolExecutor. Left out is behavior that other files test, such as elastic
// pools, and behavior without a counterpart: settings that change later, custom
// queues and threads, hooks of subclasses and job events (events and streams serve
// instead).
import { assert, assertEquals, assertRejects } from "@std/assert";
import { PoolClosedError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { makePool, numbersTo, reasonOf } from "./kinds.ts";
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

test("piscina: the remaining jobs keep their order when random jobs leave a long queue", async () => {
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

test("piscina: thousands of jobs that each submit the next do not overflow the stack", async () => {
  await using pool = makePool();
  let count = 0;
  async function next(): Promise<void> {
    await pool.execute("echo", [count++]);
    if (count < 3_000) return next();
  }
  await next();
  assertEquals(count, 3_000);
});

test("piscina: all idle workers wake up when jobs arrive at once, repeatedly", async () => {
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

test("piscina: workers see the environment of the program", async () => {
  Deno.env.set("SPINDLE_PORTED", "seen");
  await using pool = makePool();
  const read = () => Deno.env.get("SPINDLE_PORTED");
  assertEquals(await pool.execute(read), "seen");
  Deno.env.delete("SPINDLE_PORTED");
});

test("ThreadPoolExecutor: a closed pool accepts no job, with any policy", async () => {
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

test("ThreadPoolExecutor: a pool whose jobs all fail continues with the same worker", async () => {
  await using pool = makePool();
  const before = await pool.execute("whichWorker");
  const errors = await Promise.all(
    numbersTo(200).map(() => reasonOf(pool.execute("fail"))),
  );
  assert(errors.every((error) => error instanceof RangeError));
  assertEquals(await pool.execute("whichWorker"), before);
});
