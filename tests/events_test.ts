// Tests of the pool's events and their details.
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  type ThreadPool,
  type ThreadPoolEventMap,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { hold, makePool, numbersTo, reasonOf, warmUp } from "./kinds.ts";
import { test } from "./pools.ts";

/** Records all events of these types, with their details. */
function record<Type extends keyof ThreadPoolEventMap>(
  pool: Pick<ThreadPool, "addEventListener">,
  ...types: Type[]
) {
  const events: { type: Type; detail: ThreadPoolEventMap[Type]["detail"] }[] =
    [];
  for (const type of types) {
    pool.addEventListener(type, (event) => {
      assertInstanceOf(event, CustomEvent);
      events.push({ type, detail: event.detail });
    });
  }
  return events;
}

test("jobstart and jobend report each job's id, name and worker, and jobend its error", async () => {
  await using pool = makePool();
  const events = record(pool, "jobstart", "jobend");
  await pool.execute("echo", [1]);
  await pool.execute(function work() {});
  const error = await reasonOf(pool.execute("fail"));
  assertEquals(
    events.map(({ type, detail: { jobId, name, workerId } }) => {
      return [type, jobId, name, workerId];
    }),
    ["echo", "work", "fail"].flatMap((name, i) => [
      ["jobstart", i + 1, name, 1],
      ["jobend", i + 1, name, 1],
    ]),
  );
  const ends = events.map(({ detail }) =>
    detail as { ok?: boolean; error?: unknown }
  );
  assertEquals(ends.map(({ ok }) => ok).filter((ok) => ok !== undefined), [
    true,
    true,
    false,
  ]);
  assertStrictEquals(ends.at(-1)!.error, error);
});

test("jobstart and jobend are dispatched once for each of many jobs, in this order", async () => {
  await using pool = makePool({ size: 2 });
  const events = record(pool, "jobstart", "jobend");
  await Promise.all(
    numbersTo(300).map((i) => pool.execute("echo", [i % 2 ? i : { i }])),
  );
  assertEquals(events.length, 600);
  const running = new Set<number>();
  for (const { type, detail: { jobId } } of events) {
    if (type === "jobend") {
      assert(running.delete(jobId), `${jobId} has not run`);
    } else {assert(
        running.size < running.add(jobId).size,
        `${jobId} runs twice`,
      );}
  }
});

test("jobstart is not dispatched for a job that waits behind another job", async () => {
  await using pool = makePool();
  await warmUp(pool); // so that jobs are sent ahead
  const events = record(pool, "jobstart");
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  const next = pool.execute("echo", [1]);
  await gate.arrived();
  while (events.length === 0) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(events.map(({ detail }) => detail.name), ["passGate"]);
  gate.open();
  await Promise.all([held, next]);
  assertEquals(events.length, 2);
});

test("jobend reports where and for how long a job ran, even if it was aborted or timed out", async () => {
  await using pool = makePool();
  const events = record(pool, "jobend");
  using gate = new Gate();
  await pool.execute("arriveThenGive", [new Gate().key, 30, 1]);
  const client = new AbortController();
  const aborted = reasonOf(pool.execute("passGate", [gate.key], client));
  await gate.arrived();
  const queued = new AbortController();
  const left = reasonOf(pool.execute("echo", [1], queued));
  queued.abort("left");
  assertEquals(await left, "left");
  client.abort("gone");
  await aborted;
  await reasonOf(pool.execute("never", [], { timeout: 30 }));
  const [ran, waited, gone, late] = events.map(({ detail }) => detail);
  assertEquals([ran.workerId, gone.workerId], [1, 1]);
  assertGreaterOrEqual(ran.runTime, 25);
  assertGreater(ran.waitTime, 0);
  assertGreaterOrEqual(gone.runTime, 0);
  assertEquals(typeof late.workerId, "number");
  assertGreaterOrEqual(late.runTime, 25);
  // This job never started.
  const { workerId, runTime, name, ok } = waited;
  assertEquals([workerId, runTime, name, ok], [undefined, 0, "echo", false]);
});

test("workerstart and workerstop are dispatched for every worker", async () => {
  const pool = makePool({ size: 2 });
  const events = record(pool, "workerstart", "workerstop");
  using gate = new Gate();
  const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  gate.open();
  await Promise.all(held);
  await pool.close();
  const ids = (wanted: string) =>
    events.filter(({ type }) => type === wanted)
      .map(({ detail }) => detail.workerId).sort();
  assertEquals([ids("workerstart"), ids("workerstop")], [[1, 2], [1, 2]]);
});

test("workererror reports which worker died and why, and its replacement starts", async () => {
  await using pool = makePool();
  const events = record(pool, "workerstart", "workererror", "workerstop");
  await assertRejects(() => pool.execute("throwInTimer"), WorkerCrashedError);
  await pool.execute("echo", [1]);
  assertEquals(events.map(({ type, detail }) => [type, detail.workerId]), [
    ["workerstart", 1],
    ["workererror", 1],
    ["workerstop", 1],
    ["workerstart", 2],
  ]);
  const { error } = events[1].detail as { error: unknown };
  assertInstanceOf(error, RangeError);
  assertStringIncludes(error.message, "thrown in a timer");
});

test("workererror is not dispatched for a worker that is stopped after a timeout", async () => {
  const pool = makePool();
  const errors = record(pool, "workererror");
  await reasonOf(pool.execute("never", [], { timeout: 50 }));
  await pool.close();
  assertEquals([pool.stats().lost, errors], [0, []]);
});

test("drain is dispatched whenever no job is queued or running, however jobs end", async () => {
  await using pool = makePool();
  const events = record(pool, "drain");
  await Promise.all([1, 2, 3].map((i) => pool.execute("echo", [i])));
  assertEquals(events, [{ type: "drain", detail: undefined }]);
  await pool.execute("echo", [4]);
  assertEquals(events.length, 2);
  await reasonOf(pool.execute("fail"));
  assertEquals(events.length, 3);
  const client = new AbortController();
  const aborted = reasonOf(pool.execute("echo", [1], client));
  client.abort("no longer");
  await aborted;
  assertEquals(events.length, 4);
});

test("addEventListener() accepts objects and once, and listeners can be removed", async () => {
  await using pool = makePool();
  let calls = 0;
  const listener = { handleEvent: () => void calls++ };
  pool.addEventListener("jobend", listener);
  pool.addEventListener("jobend", () => calls++, { once: true });
  for (const expected of [2, 3, 3]) {
    await pool.execute("echo", [1]);
    assertEquals(calls, expected);
    if (calls === 3) pool.removeEventListener("jobend", listener);
  }
});

test("addEventListener() accepts listeners that submit jobs", async () => {
  await using pool = makePool();
  const results: Promise<unknown>[] = [];
  const types = ["workerstart", "jobstart", "jobend", "drain"] as const;
  for (const [i, type] of types.entries()) {
    // A submitted job can start, and dispatch its event, within the call.
    const submit = () => results[i] = pool.execute("echo", [i]);
    pool.addEventListener(type, submit, { once: true });
  }
  await pool.execute("echo", [0]);
  await pool.drain();
  await pool.drain();
  assertEquals(await Promise.all(results), [0, 1, 2, 3]);
});

test("addEventListener() accepts listeners that abort, close and terminate", async () => {
  const pool = makePool();
  const client = new AbortController();
  pool.addEventListener("jobstart", () => {
    client.abort("no longer");
    pool.close();
  }, { once: true });
  assertEquals(await reasonOf(pool.execute("never", [], client)), "no longer");
  await pool.close();

  const other = makePool();
  other.addEventListener("workererror", () => other.terminate());
  const jobs = [other.execute("exit"), other.execute("echo", [1])];
  for (const { status } of await Promise.allSettled(jobs)) {
    assertEquals(status, "rejected");
  }
  await Promise.all([other.drain(), other.close()]);
  assertEquals(other.stats().queued, 0);
});

test("addEventListener() does not change how jobs are sent", async () => {
  await using pool = makePool();
  await warmUp(pool);
  const events = record(pool, "jobstart", "jobend");
  const { postMessage } = Worker.prototype;
  let messages = 0;
  Worker.prototype.postMessage = function (...args: unknown[]) {
    messages++;
    return Reflect.apply(postMessage, this, args);
  };
  try {
    await Promise.all(numbersTo(2_000).map((i) => pool.execute("echo", [i])));
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
  assertLess(messages, 150); // about 8
  assertEquals(events.length, 4_000);
});

for (const kind of ["thread", "process"] as const) {
  test(`terminate() reports the worker of jobs that had started, after their jobstart (${kind})`, async () => {
    const pool = makePool({ size: 1 }, kind);
    await pool.execute("echo", [1]);
    const events = record(pool, "jobstart", "jobend");
    using holder = await hold(pool);
    const jobs = [holder.job, pool.execute("echo", [2])].map(reasonOf);
    await pool.terminate();
    await Promise.all(jobs);
    const told = events.map(({ type, detail: { workerId } }) => [
      type,
      workerId,
    ]);
    assertEquals(told, [["jobstart", 1], ["jobend", 1], ["jobend", undefined]]);
  });
}

test("a job that had started when its worker dies has a jobstart before its jobend", async () => {
  await using pool = makePool({ size: 1, concurrency: 3 });
  await pool.execute("echo", [1]);
  const events = record(pool, "jobstart", "jobend");
  const die = () => {
    queueMicrotask(() => {
      throw new Error("oops");
    });
    return new Promise<never>(() => {});
  };
  for (const i of numbersTo(5)) {
    // A job that had not started goes to the next worker.
    const wait = () => new Promise((done) => setTimeout(done, 20));
    await Promise.allSettled([die, wait, wait].map((job) => pool.execute(job)));
    for (const jobId of [3 * i + 2, 3 * i + 3, 3 * i + 4]) {
      const own = events.filter(({ detail }) => detail.jobId === jobId);
      const isStarted = own.at(-1)!.detail.workerId !== undefined;
      const expected = isStarted ? ["jobstart", "jobend"] : ["jobend"];
      assertEquals(own.map(({ type }) => type), expected);
    }
  }
});

test("jobstart comes before jobend for a job that is aborted as soon as it has started", async () => {
  await using pool = makePool();
  await pool.execute("echo", [1]);
  const events = record(pool, "jobstart", "jobend");
  using gate = new Gate();
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const job = reasonOf(pool.execute("passGate", [gate.key], options));
  // The main thread is not notified of the start meanwhile.
  while (gate.count === 0);
  stop.abort("enough");
  assertEquals(await job, "enough");
  gate.open();
  await pool.drain();
  assertEquals(events.map(({ type }) => type), ["jobstart", "jobend"]);
});

test("jobend reports a job that is aborted on its way to a process as never started", async () => {
  await using pool = makePool({ isolation: "process" });
  await pool.start();
  const events = record(pool, "jobstart", "jobend");
  const stop = new AbortController();
  const reason = reasonOf(pool.execute("echo", [1], stop));
  // The job is sent at the end of this turn; no answer arrives before the next.
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(pool.workers()[0].state, "busy");
  stop.abort("enough");
  assertEquals(await reason, "enough");
  await pool.execute("echo", [2]);
  assertEquals(
    events.map(({ type, detail: { jobId, workerId } }) => {
      return [type, jobId, workerId];
    }),
    [["jobend", 1, undefined], ["jobstart", 2, 1], ["jobend", 2, 1]],
  );
  assertEquals((events[0].detail as { runTime: number }).runTime, 0);
});
