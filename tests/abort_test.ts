// Tests of the caller's signal, which removes a waiting job and aborts a running one.
// A job that does not end within its grace costs its worker.
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  type ThreadPoolOptions,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/jobs.ts";
import { Gate } from "./gate.ts";
import {
  countedSignal,
  type JobPool,
  makePool as makeAnyPool,
  nextEvent,
  numbersTo,
  reasonOf,
  warmUp,
} from "./kinds.ts";
import { eventually, poolTest as test } from "./live_workers.ts";

/** Grace in ms in which a handler can end even on a busy machine. */
const LONG = 10_000;

function makePool(options: ThreadPoolOptions = {}): JobPool {
  return makeAnyPool({ abortGrace: LONG, ...options });
}

/** Aborts a job once it is at its gate, and returns what the job rejects with. */
async function abortAt(
  gate: Gate,
  pool: JobPool,
  job: keyof typeof jobs,
  ...more: unknown[]
): Promise<unknown> {
  const { signal, abort } = stopper();
  const args = [gate.key, ...more] as never;
  const aborted = reasonOf(pool.execute(job as "never", args, { signal }));
  await gate.arrived();
  abort("no longer");
  return await aborted;
}

test("execute() with a signal that is already aborted rejects with its reason", async () => {
  await using pool = makePool();
  using runs = new Gate();
  for (const reason of [new RangeError("no"), "text", 0, null, { a: 1 }]) {
    const signal = AbortSignal.abort(reason);
    const result = pool.execute("arrive", [runs.key], { signal });
    assertStrictEquals(await reasonOf(result), reason);
  }
  await pool.execute("echo", [1]);
  assertEquals(runs.count, 0);
});

/** Where a job can be when it is aborted before it starts. */
const WAITING: Record<string, (pool: JobPool, gate: Gate) => Promise<unknown>> =
  {
    "in the queue": async (pool, gate) => {
      const held = pool.execute("passGate", [gate.key]);
      await gate.arrived();
      return { held };
    },
    "while its worker starts": () => Promise.resolve(),
    "ahead in its worker": async (pool, gate) => {
      await warmUp(pool);
      return { held: pool.execute("blockAtGate", [gate.key]) };
    },
  };

for (const [where, prepare] of Object.entries(WAITING)) {
  test(`execute() of a job aborted ${where} rejects, and the job never runs`, async () => {
    await using pool = makePool();
    using gate = new Gate();
    using runs = new Gate();
    await prepare(pool, gate);
    const { signal, abort } = stopper();
    const before = pool.execute("arrive", [runs.key]);
    const aborted = numbersTo(20).map(() =>
      reasonOf(pool.execute("arrive", [runs.key], { signal }))
    );
    const after = pool.execute("arrive", [runs.key]);
    if (where === "ahead in its worker") await gate.arrived();
    const reason = new RangeError("no longer");
    abort(reason);
    for (const seen of await Promise.all(aborted)) {
      assertStrictEquals(seen, reason);
    }
    gate.open();
    await Promise.all([before, after]);
    assertEquals([runs.count, pool.stats().aborted], [2, 20]);
  });
}

for (const job of ["passGate", "blockAtGate"] as const) {
  test(`execute() of a job aborted while it runs rejects at once (${job})`, async () => {
    await using pool = makePool();
    using gate = new Gate();
    assertEquals(await abortAt(gate, pool, job), "no longer");
    const next = pool.execute("isAborted");
    gate.open();
    assertEquals([await next, pool.stats().crashed], [false, 0]);
  });
}

class Own extends TypeError {
  override name = "Own";
}
const cause = new WebAssembly.LinkError("why");

/** Abort reasons, each with the class that it has in the job. */
const REASONS: [reason: unknown, Class?: abstract new () => object][] = [
  ["text"],
  [{ a: [1] }],
  [7],
  [undefined, DOMException],
  [new RangeError("no"), RangeError],
  [
    Object.assign(new Deno.errors.NotFound("gone", { cause }), { code: 7 }),
    Deno.errors.NotFound as abstract new () => object,
  ],
  [new Own("own"), TypeError],
  [new DOMException("late", "TimeoutError"), DOMException],
  [
    new AggregateError([new RangeError("one")], "many"),
    AggregateError as never,
  ],
  [() => "cannot be cloned"],
];

test("currentJob().signal.reason keeps the class of the caller's reason", async () => {
  await using pool = makePool();
  for (const [given, Class] of REASONS) {
    using gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = reasonOf(
      pool.execute("untilTold", [gate.key], { signal }),
    );
    await gate.arrived();
    controller.abort(given);
    const { reason } = signal;
    assertStrictEquals(await aborted, reason);
    const seen = await reasonOf(pool.execute("throwReason"));
    if (typeof given === "function") assertEquals(typeof seen, "string");
    else if (Class === undefined) assertEquals(seen, reason);
    else {
      assertInstanceOf(seen, Class);
      const { name, message, code } = seen as DOMException;
      assertEquals([name, message, code], [
        reason.name,
        reason.message,
        reason.code,
      ]);
      if (reason.cause) {
        assertInstanceOf((seen as Error).cause, WebAssembly.LinkError);
      }
    }
  }
});

test("execute() rejects with the TimeoutError of AbortSignal.timeout()", async () => {
  await using pool = makePool();
  const signal = AbortSignal.timeout(20);
  const job = pool.execute("untilTold", [], { signal });
  assertStrictEquals(await reasonOf(job), signal.reason);
  assertEquals(signal.reason.name, "TimeoutError");
});

test("execute() ignores what a handler throws after an abort", async () => {
  await using pool = makePool();
  using gate = new Gate();
  await abortAt(gate, pool, "throwWhenTold");
  await pool.execute("echo", [1]);
  const { aborted, failed, completed } = pool.stats();
  assertEquals([aborted, failed, completed], [1, 0, 1]);
});

test("an abort does not affect other jobs", async () => {
  await using pool = makePool({ size: 2 });
  using gate = new Gate();
  using others = new Gate();
  const beside = pool.execute("isAbortedAtGate", [others.key]);
  const aborted = abortAt(gate, pool, "untilTold");
  const queued = numbersTo(10).map(() => pool.execute("isAborted"));
  await aborted;
  others.open();
  assertEquals(await Promise.all([beside, ...queued]), Array(11).fill(false));
});

test("an abort after a job has ended does nothing", async () => {
  await using pool = makePool();
  const controller = new AbortController();
  assertEquals(await pool.execute("echo", [1], controller), 1);
  controller.abort();
  assertEquals(await pool.execute("isAborted"), false);
  assertEquals(pool.stats().aborted, 0);
});

test("one signal aborts 10 000 jobs with few listeners, and keeps none", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const { controller, signal, listeners, counts } = countedSignal();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const results = numbersTo(10_000).map((i) =>
    reasonOf(pool.execute("echo", [i], { signal }))
  );
  assertLess(counts.added, 3);
  controller.abort("all of you");
  const reasons = new Set(await Promise.all(results));
  assertEquals([...reasons], ["all of you"]);
  const { aborted, queued } = pool.stats();
  assertEquals([listeners.size, aborted, queued], [0, 10_000, 0]);
  gate.open();
  await held;
});

test("a signal has no listeners once its jobs have settled", async () => {
  const { signal, listeners, counts } = countedSignal();
  await using pool = makePool();
  const execute = (i: number) => pool.execute("echo", [i], { signal });
  await Promise.all(numbersTo(100).map(execute));
  await assertRejects(() => pool.execute("echo", [() => {}], { signal }));
  assert(counts.added > 0);
  assertEquals(listeners.size, 0);
  const terminated = numbersTo(10)
    .map(() => reasonOf(pool.execute("never", [], { signal })));
  assertEquals(listeners.size, 1);
  await pool.terminate();
  await Promise.all(terminated);
  assertEquals(listeners.size, 0);
});

test("a jobend listener can terminate() the pool during an abort", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const { signal, abort } = stopper();
  const first = reasonOf(pool.execute("passGate", [gate.key]));
  await gate.arrived();
  const aborted = numbersTo(5).map((i) =>
    reasonOf(pool.execute("echo", [i], { signal }))
  );
  pool.addEventListener("jobend", () => pool.terminate(), { once: true });
  abort("no longer");
  assertEquals((await Promise.all([first, ...aborted])).length, 6);
  await pool.drain();
  const { queued, running, aborted: count, failed } = pool.stats();
  assertEquals([queued, running, count + failed], [0, 0, 6]);
});

test("5 000 jobs that are aborted before their worker sees them leave the pool working", async () => {
  await using pool = makePool();
  await pool.execute("echo", [0]);
  for (let i = 0; i < 5_000; i++) {
    const { signal, abort } = stopper();
    const job = reasonOf(pool.execute("echo", [i], { signal }));
    abort(i);
    assertEquals(await job, i);
  }
  assertEquals(await pool.execute("echo", [1]), 1);
});

/** Whether a job that ends this many ms after its abort keeps its worker. */
const GRACES: [abortGrace: number, ms: number, keeps: boolean][] = [
  [LONG, 20, true],
  [Infinity, 100, true],
  [0, 100, false],
];

for (const [abortGrace, ms, keeps] of GRACES) {
  test(
    `abortGrace ${abortGrace}: a job that ends after ${ms} ms ${
      keeps ? "keeps" : "loses"
    } its worker`,
    async () => {
      await using pool = makePool({ abortGrace });
      const before = await pool.execute("whichWorker");
      using gate = new Gate();
      using ended = new Gate();
      await abortAt(gate, pool, "endLater", ms, ended.key);
      assertEquals(await pool.execute("whichWorker") === before, keeps);
      assertEquals(ended.count, Number(keeps));
    },
  );
}

test("abortGrace: each aborted job has its own grace, and no worker stops earlier", async () => {
  await using pool = makePool({ abortGrace: 100, size: 2 });
  const stops: number[] = [];
  const aborts: number[] = [];
  pool.addEventListener("workerstop", () => stops.push(performance.now()));
  for (let i = 0; i < 2; i++) {
    using gate = new Gate();
    await abortAt(gate, pool, "never");
    aborts.push(performance.now());
    if (i === 0) await new Promise((done) => setTimeout(done, 50));
  }
  await eventually(() => stops.length === 2, () => "Expected two to stop");
  for (const i of [0, 1]) assertGreater(stops[i] - aborts[i], 90);
});

test("abortGrace: a waiting job whose buffer has moved runs on the next worker", async () => {
  await using pool = makePool({ abortGrace: 20 });
  using gate = new Gate();
  const { signal, abort } = stopper();
  const stuck = reasonOf(pool.execute("never", [gate.key], { signal }));
  await gate.arrived();
  const moved = pool.execute("echo", [transfer(new Uint8Array([1, 2]))]);
  abort("no longer");
  await stuck;
  assertEquals(await moved, new Uint8Array([1, 2]));
});

test("abortGrace: with concurrency, the worker's other jobs reject with the cause", async () => {
  await using pool = makePool({ abortGrace: 20, concurrency: 3 });
  using gate = new Gate();
  using other = new Gate();
  const beside = pool.execute("passGate", [other.key]);
  await other.arrived();
  const finished = pool.execute("mapOf", [1]);
  await abortAt(gate, pool, "never");
  const error = await assertRejects(() => beside, WorkerCrashedError);
  assert(error.started);
  assertMatch(error.message, /job "passGate" was running/);
  assertMatch((error.cause as Error).message, /"never".*20 ms/);
  assertEquals(await finished, new Map([["value", 1]]));
});

test("abortGrace: with concurrency, the worker's other jobs continue if the job ends in time", async () => {
  await using pool = makePool({ concurrency: 2 });
  using gate = new Gate();
  using other = new Gate();
  using ended = new Gate();
  const beside = pool.execute("isAbortedAtGate", [other.key]);
  await other.arrived();
  await abortAt(gate, pool, "endLater", 0, ended.key);
  await ended.arrived();
  other.open();
  assertEquals(await beside, false);
});

test("abortGrace: results of jobs that the worker has completed are not lost", async () => {
  await using pool = makePool({ abortGrace: 0 });
  const values = [1, "text", { a: 1 }, [1n], new Map([[1, 2]]), undefined];
  for (let round = 0; round < 5; round++) {
    using gate = new Gate();
    const results = values.map((value) => pool.execute("echo", [value]));
    await abortAt(gate, pool, "never");
    assertEquals(await Promise.all(results), values);
  }
});

test("abortGrace: a result that arrives while the main thread is busy is not lost", async () => {
  await using pool = makePool({ abortGrace: 50 });
  using gate = new Gate();
  await warmUp(pool);
  const { signal, abort } = stopper();
  const before = pool.execute("mapOf", [1]);
  const blocked = reasonOf(
    pool.execute("blockAtGate", [gate.key], { signal }),
  );
  await Promise.resolve();
  // Messages that arrive meanwhile are handled together with the timers that are due.
  while (gate.count === 0);
  abort("no longer");
  for (const end = performance.now() + 100; performance.now() < end;);
  assertEquals(await blocked, "no longer");
  assertEquals(await before, new Map([["value", 1]]));
});

test("workererror reports a worker that could not be stopped", async () => {
  await using pool = makePool({ abortGrace: 0 });
  using gate = new Gate();
  const told = nextEvent(pool, "workererror");
  await abortAt(gate, pool, "burn");
  const { detail } = await told;
  assertEquals(detail.workerId, 1);
  assertMatch(String(detail.error), /could not be stopped/);
});

test("close() waits for neither an aborted job nor its grace", async () => {
  const pool = makePool({ abortGrace: 60_000 });
  using gate = new Gate();
  await abortAt(gate, pool, "never");
  await pool.close();
});

function stopper() {
  const controller = new AbortController();
  const abort = (reason: unknown) => controller.abort(reason);
  return { signal: controller.signal, abort };
}
