// Tests that jobs are sent together, but no job waits behind a long job.
import { assert, assertEquals, assertLess } from "@std/assert";
import { Gate } from "./gate.ts";
import {
  type JobPool,
  makePool,
  numbersTo,
  reasonOf,
  warmUp,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

const RESULTS: Record<string, (pool: JobPool, i: number) => Promise<unknown>> =
  {
    numbers: (pool, i) => pool.execute("echo", [i]),
    objects: (pool, i) => pool.execute("echo", [{ i, list: ["a"] }]),
    Maps: (pool, i) => pool.execute("mapOf", [i]),
  };

for (const [kind, submit] of Object.entries(RESULTS)) {
  test(`results that are ${kind} arrive while a later job blocks their worker`, async () => {
    await using pool = makePool();
    for (let round = 0; round < 3; round++) {
      using gate = new Gate();
      const before = numbersTo(100).map((i) => submit(pool, i));
      const blocking = pool.execute("blockAtGate", [gate.key]);
      let behind = 0;
      const after = numbersTo(100).map(async (i) => {
        await submit(pool, i);
        behind++;
      });
      await Promise.all(before);
      await gate.arrived();
      assertEquals(behind, 0);
      gate.open();
      await Promise.all([blocking, ...after]);
    }
  });
}

/** Returns a pool of two workers that have both started. */
async function makePair(): Promise<JobPool> {
  const pool = makePool({ size: 2 });
  using gate = new Gate();
  const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  gate.open();
  await Promise.all(held);
  return pool;
}

for (const position of [0, 1, 150, 299]) {
  test(`a long job at ${position} of 300 holds up no other job`, async () => {
    await using pool = await makePair();
    for (let round = 0; round < 3; round++) {
      using gate = new Gate();
      const jobs = numbersTo(300).map((i): Promise<unknown> =>
        i === position
          ? pool.execute("blockAtGate", [gate.key])
          : pool.execute("echo", [i])
      );
      const [long] = jobs.splice(position, 1);
      await Promise.all(jobs);
      await gate.arrived();
      gate.open();
      await long;
    }
  });
}

test("jobs behind a long job go to another worker even if the queue never empties", async () => {
  await using pool = await makePair();
  await Promise.all(numbersTo(1_000).map(() => pool.execute("echo", [0])));
  const burn = () => pool.execute("burnFor", [0.02]);
  using gate = new Gate();
  const long = pool.execute("blockAtGate", [gate.key]);
  const behind = Promise.all(numbersTo(250).map(burn));
  let later = 0;
  const backlog = numbersTo(20_000).map(() => burn().then(() => later++));
  await behind;
  assertLess(later, 10_000);
  gate.open();
  await Promise.all([long, ...backlog]);
});

test("jobs that are sent together start in order", async () => {
  await using pool = makePool();
  const numbers = numbersTo(5_000);
  await Promise.all(numbers.map((i) => pool.execute("note", [i])));
  assertEquals(await pool.execute("allNoted"), numbers);
});

test("small jobs share messages", async () => {
  await using pool = makePool({ size: 2 });
  await pool.execute("echo", [0]);
  let messages = 0;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...args: unknown[]) {
    messages++;
    return Reflect.apply(postMessage, this, args);
  };
  try {
    await Promise.all(numbersTo(10_000).map((i) => pool.execute("echo", [i])));
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
  assert(messages > 0);
  assertLess(messages, 400); // about 20
});

test("a worker's own timers run under steady load", async () => {
  await using pool = makePool();
  // After this, so many jobs share a message that timers get no turn in between.
  await warmUp(pool);
  await pool.execute("startTicking");
  const burning = numbersTo(100).map(() => pool.execute("burnFor", [1]));
  const ticked = pool.execute("ticked");
  await Promise.all(burning);
  const ticks = await ticked;
  assert(ticks >= 5, `${ticks} ticks`);
});

test("jobs start while their caller still submits jobs", async () => {
  await using pool = makePool();
  await warmUp(pool);
  using gate = new Gate();
  const jobs = numbersTo(1_000).map(() => pool.execute("arrive", [gate.key]));
  const words = new Int32Array(gate.key);
  // This thread is blocked meanwhile.
  for (let count; (count = gate.count) < 2;) {
    assert(Atomics.wait(words, 0, count, 10_000) !== "timed-out");
  }
  await Promise.all(jobs);
});

test("50 000 queued jobs can be aborted at once", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const blocking = pool.execute("blockAtGate", [gate.key]);
  const stop = new AbortController();
  const jobs = numbersTo(50_000).map((i) =>
    reasonOf(pool.execute("note", [i], stop))
  );
  await gate.arrived();
  stop.abort("no longer");
  assertEquals(pool.stats().aborted, 50_000);
  assertEquals([...new Set(await Promise.all(jobs))], ["no longer"]);
  gate.open();
  await blocking;
  assertEquals(await pool.execute("allNoted"), []);
});
