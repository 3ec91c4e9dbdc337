// Tests of what every pool guarantees, for each kind of worker.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  JobCloneError,
  JobDiscardedError,
  JobNotFoundError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  type ThreadPoolEventMap,
  type ThreadPoolOptions,
  transfer,
  WorkerStartError,
} from "@spindle/thread-pool";
import { whichWorker } from "./fixtures/jobs.ts";
import {
  ALL_KINDS,
  type AnyKind,
  countLive,
  hold,
  type JobPool,
  KIND_NAMES,
  makePool,
  nextEvent,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { readAll, tcpPair, writeAll } from "./sockets.ts";
import { executeUntyped } from "./untyped.ts";

type Make = (options?: ThreadPoolOptions) => JobPool;

const ALL = Object.keys(ALL_KINDS) as AnyKind[];

/** Declares a test for each kind of pool; on Linux, no thread or process may remain. */
function test(
  name: string,
  fn: (make: Make, kind: AnyKind) => Promise<void>,
  kinds: AnyKind[] = ALL,
): void {
  for (const kind of kinds) {
    poolTest(`${name} (${kind})`, async () => {
      await fn((options) => makePool(options, kind), kind);
      if (Deno.build.os !== "linux") return;
      await eventually(
        async () => await countLive(kind) === 0,
        () => `Expected no ${kind} to be left`,
      );
    });
  }
}

/** Values that stay one object, or one buffer, only if they are cloned together. */
const shared = { i: 1 };
const buffer = new ArrayBuffer(100_000);

const VALUES: Record<string, unknown> = {
  undefined: undefined,
  "a big integer": 12n,
  NaN: NaN,
  "minus zero": -0,
  "a long text": "äx".repeat(100_000),
  "plain data": { a: [1, { b: "c" }], d: null },
  "a Map and a Set": new Map<unknown, unknown>([[1, new Set(["a"])]]),
  "a Date": new Date(0),
  "a RegExp": /x+/gi,
  "a large buffer": new Uint8Array(300_000).fill(3),
  "a view of a part": new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "undefined in an array": [undefined, 1],
  "one object twice": [shared, shared],
};

test(
  "execute() runs named and inline jobs, in a worker if there is one",
  async (make, kind) => {
    await using pool = make();
    assertEquals(
      await pool.execute((a: number, b: number) => a + b, [1, 2]),
      3,
    );
    const isHere = await pool.execute("whichWorker") === whichWorker();
    assertEquals(isHere, kind === "no worker");
    assertEquals(await pool.execute("surroundings"), {
      name: "surroundings",
      self: true,
    });
  },
);

test("execute() returns values of every kind", async (make) => {
  await using pool = make();
  for (const [what, value] of Object.entries(VALUES)) {
    assertEquals(await pool.execute("echo", [value]), value, what);
  }
  const twice = pool.execute("echo", [[shared, shared]]);
  const [one, other] = await twice as unknown[];
  assertStrictEquals(one, other);
  const views = [new Uint8Array(buffer, 0, 20), new Uint8Array(buffer, 10)];
  const [a, b] = await pool.execute("echo", [views]) as Uint8Array[];
  assertStrictEquals(a.buffer, b.buffer);
});

test("execute() resolves each of 500 jobs with its own result", async (make) => {
  await using pool = make({ size: 2 });
  const numbers = numbersTo(500);
  const results = numbers.map((i) => pool.execute("echo", [i]));
  assertEquals(await Promise.all(results), numbers);
});

test("transfer() moves buffers in both directions", async (make) => {
  await using pool = make();
  for (const length of [100, 1_000_000]) {
    const sent = new Uint8Array(length).fill(1);
    const result = pool.execute("sum", [transfer(sent)]);
    assertEquals([sent.length, await result], [0, length]);
    assertEquals((await pool.execute("bytes", [length])).length, length);
  }
});

test("execute() moves streams, requests and responses", async (make) => {
  await using pool = make();
  const stream = await pool.execute("stream", [2_000_000]);
  assertEquals(await pool.execute("read", [stream]), 2_000_000);
  const body = "b".repeat(200_000);
  const request = new Request("http://a.test/", { method: "POST", body });
  const response = await pool.execute("respond", [request]);
  assertEquals([response.status, response.headers.get("x-of")], [
    201,
    "worker",
  ]);
  assertEquals(await response.text(), `POST ${body}`);
});

test("execute() rejects with the handler's error", async (make) => {
  await using pool = make();
  const error = await assertRejects(() => pool.execute("fail"), RangeError);
  assertInstanceOf(error.cause, TypeError);
  assertEquals((error as RangeError & { code: string }).code, "E_FAILED");
  assertStringIncludes(error.stack!, "jobs.ts");
});

test("execute() rejects for an unknown job and for values that cannot be cloned", async (make) => {
  await using pool = make();
  const missing = () => executeUntyped(pool, "missing");
  await assertRejects(missing, JobNotFoundError);
  const argument = () => pool.execute("echo", [{ a: [() => {}] }]);
  await assertRejects(argument, JobCloneError, "args[0].a[0]");
  const result = () => pool.execute("giveFunction");
  await assertRejects(result, JobCloneError, "a[0]");
  const { crashed, failed } = pool.stats();
  assertEquals([await pool.execute("echo", [1]), crashed, failed], [1, 0, 2]);
});

test("execute() rejects with its signal's reason", async (make) => {
  await using pool = make({ abortGrace: 10_000 });
  const worker = await pool.execute("whichWorker");
  const reason = new RangeError("no longer");
  const execute = (signal: AbortSignal) =>
    reasonOf(pool.execute("untilTold", [], { signal }));
  assertStrictEquals(await execute(AbortSignal.abort(reason)), reason);

  const controller = new AbortController();
  const started = nextEvent(pool, "jobstart");
  const running = execute(controller.signal);
  const queued = execute(controller.signal);
  await started;
  controller.abort(reason);
  assertStrictEquals(await running, reason);
  assertStrictEquals(await queued, reason);
  // The handler received the reason, ended in time, and kept its worker.
  const seen = await pool.execute("reasonSeen");
  assertInstanceOf(seen, RangeError);
  assertEquals(seen.message, "no longer");
  assertEquals(await pool.execute("whichWorker"), worker);
  const { aborted, failed } = pool.stats();
  assertEquals({ aborted, failed }, { aborted: 2, failed: 0 });
});

test(
  "size: workers start with the first job, and no more than are needed",
  async (make, kind) => {
    await using pool = make({ size: 3 });
    assertEquals([pool.stats().size, await countLive(kind)], [0, 0]);
    for (let i = 0; i < 3; i++) await pool.execute("echo", [i]);
    const live = kind === "no worker" ? 0 : 1;
    assertEquals([pool.stats().size, await countLive(kind)], [1, live]);
  },
);

test("concurrency: that many jobs run in a worker at once", async (make) => {
  await using pool = make({ concurrency: 3 });
  const counts = numbersTo(7).map(() => pool.execute("countCompany", [1]));
  assertEquals(Math.max(...await Promise.all(counts)), 3);
});

test(
  "maxJobsPerWorker: a worker is replaced after that many jobs",
  async (make, kind) => {
    await using pool = make({ maxJobsPerWorker: 2 });
    const counts: number[] = [];
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) {
      counts.push(await pool.execute("count"));
      ids.push(await pool.execute("workerId"));
    }
    assertEquals(ids, [1, 2, 3]);
    // Without workers, there is only one module.
    if (kind !== "no worker") assertEquals(counts, [1, 1, 1]);
    assertEquals(pool.stats().crashed, 0);
  },
);

test(
  "maxHeapPerWorker: a worker whose heap has grown is replaced",
  async (make) => {
    await using pool = make({ maxHeapPerWorker: 48 });
    const small = await pool.execute("keep", [1]);
    assertEquals(await pool.execute("keep", [1]), small);
    const stopped = nextEvent(pool, "workerstop");
    // The heap is measured only now and then.
    await eventually(
      async () => await pool.execute("keep", [20]) !== small,
      () => "Expected another worker",
    );
    await stopped;
    assertEquals(pool.stats().crashed, 0);
  },
  KIND_NAMES,
);

test('whenFull "reject": execute() rejects with QueueFullError', async (make) => {
  await using pool = make({ queue: { capacity: 1, whenFull: "reject" } });
  using held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  await assertRejects(() => pool.execute("echo", [2]), QueueFullError);
  held.open();
  assertEquals(await queued, 1);
});

test('whenFull "wait": ready() waits for room', async (make) => {
  await using pool = make({ queue: { capacity: 1 } });
  using held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await Promise.resolve();
  assertEquals(isReady, false);
  held.open();
  assertEquals(await queued, 1);
  await ready;
});

test('whenFull "discard-oldest": the oldest job makes room', async (make) => {
  const queue = { capacity: 1, whenFull: "discard-oldest" } as const;
  await using pool = make({ queue });
  using held = await hold(pool);
  const oldest = reasonOf(pool.execute("note", [1]));
  const newest = pool.execute("echo", [2]);
  assertInstanceOf(await oldest, JobDiscardedError);
  held.open();
  assertEquals(await newest, 2);
  assert(!(await pool.execute("allNoted")).includes(1));
});

test("drain() resolves when all jobs have settled", async (make) => {
  await using pool = make({ size: 2 });
  let settled = 0;
  for (let i = 0; i < 6; i++) {
    const job: Promise<unknown> = i % 3
      ? pool.execute("echo", [i])
      : pool.execute("fail");
    job.catch(() => {}).then(() => settled++);
  }
  await pool.drain();
  await Promise.resolve().then(() => {});
  assertEquals(settled, 6);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("close() finishes accepted jobs and rejects new jobs", async (make) => {
  const pool = make();
  using held = await hold(pool);
  const queued = pool.execute("echo", [1]);
  let isClosed = false;
  const closed = pool.close().then(() => isClosed = true);
  await assertRejects(() => pool.execute("echo", [2]), PoolClosedError);
  assertEquals(isClosed, false);
  held.open();
  assertEquals(await queued, 1);
  await closed;
  assertEquals(pool.stats().size, 0);
});

test(
  "terminate() rejects all jobs, and close() resolves",
  async (make, kind) => {
    const pool = make({ size: 3 });
    const reason = new RangeError("enough");
    // Nothing can end a loop in a thread.
    const [first, second] = kind === "thread" || kind === "no worker"
      ? ["never", "never"] as const
      : ["loop", "burnAfterAwait"] as const;
    const jobs = [first, second, "never", "never"] as const;
    const errors = jobs.map((job) => reasonOf(pool.execute(job)));
    await eventually(
      () => pool.stats().running === 3,
      () => "Expected three jobs to run",
    );
    const closed = pool.close();
    await pool.terminate(reason);
    for (const error of await Promise.all(errors)) {
      assertInstanceOf(error, PoolTerminatedError);
      assertStrictEquals(error.cause, reason);
    }
    await closed;
    const { size, queued, running, failed } = pool.stats();
    assertEquals([size, queued, running, failed], [0, 0, 0, 4]);
  },
);

test("terminate() while workers start leaves no workers", async (make) => {
  const pool = make({ size: 2 });
  const jobs = numbersTo(2).map(() => reasonOf(pool.execute("echo", [1])));
  await pool.terminate();
  for (const error of await Promise.all(jobs)) {
    assertInstanceOf(error, PoolTerminatedError);
  }
});

test("events report workers and their jobs in order", async (make) => {
  const pool = make();
  const types: (keyof ThreadPoolEventMap)[] = [
    "workerstart",
    "jobstart",
    "jobend",
    "workerstop",
  ];
  const seen: string[] = [];
  for (const type of types) {
    pool.addEventListener(type, () => seen.push(type));
  }
  await pool.execute("echo", [1]);
  await pool.close();
  assertEquals(seen, types);
});

test("stats() counts the outcomes of jobs", async (make) => {
  await using pool = make({ abortGrace: 0 });
  await pool.execute("echo", [1]);
  await reasonOf(pool.execute("fail"));
  await reasonOf(pool.execute("loop", [], { timeout: 20 }));
  await reasonOf(pool.execute("exit", [1]));
  const { completed, failed, timedOut, aborted, crashed } = pool.stats();
  assertEquals({ completed, failed, timedOut, aborted, crashed }, {
    completed: 1,
    failed: 2,
    timedOut: 1,
    aborted: 0,
    crashed: 1,
  });
}, KIND_NAMES);

test("a module's error listener can keep its worker alive", async (_, kind) => {
  const source = `addEventListener("error", (e) => e.preventDefault());
    export const leave = () => new Promise((resolve) => {
      setTimeout(() => { setTimeout(resolve); throw new Error("left"); });
    });`;
  await using pool = new ThreadPool({
    module: `data:text/javascript,${encodeURIComponent(source)}`,
    size: 1,
    ...ALL_KINDS[kind],
  });
  await pool.execute("leave");
  assertEquals(pool.stats().crashed, 0);
}, KIND_NAMES);

test(
  "execute() rejects with WorkerStartError if the module cannot be loaded",
  async (_, kind) => {
    const module = new URL("./fixtures/missing.ts", import.meta.url);
    await using pool = new ThreadPool({ module, size: 1, ...ALL_KINDS[kind] });
    const error = await assertRejects(
      () => pool.execute(() => 1),
      WorkerStartError,
      "missing.ts",
    );
    assert(error.cause !== undefined);
  },
);

for (const connections of ["bytes", "descriptor"] as const) {
  poolTest(
    `execute() moves connections to killable threads ("${connections}")`,
    async () => {
      await using pool = makePool({ connections }, "killable thread");
      const { client, server } = await tcpPair();
      const measured = pool.execute("measure", [server]);
      await writeAll(client, new Uint8Array(100));
      assertEquals(new TextDecoder().decode(await readAll(client)), "100");
      await measured;
      client.close();
    },
  );
}
