// The events of the pool and what they tell.
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
  ThreadPool,
  type ThreadPoolEventMap,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/crashes.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/crashes.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

/** All events of these types, with what they tell. */
function record<Type extends keyof ThreadPoolEventMap>(
  pool: ThreadPool<typeof jobs>,
  ...types: Type[]
): { type: Type; detail: ThreadPoolEventMap[Type]["detail"] }[] {
  const events: ReturnType<typeof record<Type>> = [];
  for (const type of types) {
    pool.addEventListener(type, (event) => {
      assertInstanceOf(event, CustomEvent);
      events.push({ type, detail: event.detail });
    });
  }
  return events;
}

poolTest(
  "jobstart and jobend tell of every job, by id, name and worker",
  async () => {
    await using pool = makePool();
    const events = record(pool, "jobstart", "jobend");
    await pool.execute("echo", [1]);
    await pool.execute(function work() {
      return 2;
    });
    assertEquals(
      events.map(({ type, detail: { jobId, name, workerId } }) => {
        return [type, jobId, name, workerId];
      }),
      [
        ["jobstart", 1, "echo", 1],
        ["jobend", 1, "echo", 1],
        ["jobstart", 2, "work", 1],
        ["jobend", 2, "work", 1],
      ],
    );
  },
);

poolTest(
  "jobend of a job that failed tells the error that its promise has",
  async () => {
    await using pool = makePool();
    const events = record(pool, "jobend");
    const error = await assertRejects(() => pool.execute("overflow"));
    const [{ detail }] = events;
    assertEquals([detail.ok, detail.name, events.length], [
      false,
      "overflow",
      1,
    ]);
    assertStrictEquals(detail.error, error);
  },
);

poolTest(
  "a job that is aborted in the queue has an end and no start",
  async () => {
    await using pool = makePool();
    const events = record(pool, "jobstart", "jobend");
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await eventually(() => events.length === 1, () => "Expected a start");
    const controller = new AbortController();
    const queued = pool.execute("echo", [1], controller);
    controller.abort("no longer");
    await queued.catch(() => {});
    assertEquals(events.map(({ type, detail }) => [type, detail.jobId]), [
      ["jobstart", 1],
      ["jobend", 2],
    ]);
    assertEquals((events[1].detail as { error: unknown }).error, "no longer");
    gate.open();
    await held;
  },
);

poolTest("each of many jobs has one start and, after it, one end", async () => {
  await using pool = makePool(2);
  const events = record(pool, "jobstart", "jobend");
  await Promise.all(
    Array.from(
      { length: 300 },
      (_, i) => pool.execute("echo", [i % 2 ? i : { i }]),
    ),
  );
  assertEquals(events.length, 600);
  const starts = new Set<number>();
  for (const { type, detail: { jobId } } of events) {
    if (type === "jobstart") {
      assert(!starts.has(jobId), `job ${jobId} started twice`);
      starts.add(jobId);
    } else assert(starts.delete(jobId), `job ${jobId} ended before it started`);
  }
  assertEquals(starts.size, 0);
});

poolTest("jobstart tells of no job that waits behind another", async () => {
  await using pool = makePool();
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => pool.execute("echo", [i])),
  );
  const events = record(pool, "jobstart");
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  const next = pool.execute("echo", [1]);
  await eventually(() => events.length === 1, () => "Expected a start");
  gate.open();
  await Promise.all([held, next]);
  assertEquals(events.length, 2);
});

poolTest("workerstart and workerstop tell of every worker", async () => {
  const pool = makePool(2);
  const events = record(pool, "workerstart", "workerstop");
  using gate = new Gate();
  const held = [gate.key, gate.key].map((key) =>
    pool.execute("passGate", [key])
  );
  await gate.arrived(2);
  gate.open();
  await Promise.all(held);
  await pool.close();
  const ids = (wanted: string) =>
    events.filter(({ type }) => type === wanted)
      .map(({ detail }) => detail.workerId).sort();
  assertEquals(ids("workerstart"), [1, 2]);
  assertEquals(ids("workerstop"), [1, 2]);
  assertEquals(events.length, 4);
});

poolTest(
  "workererror tells which worker died of what, and its replacement starts",
  async () => {
    await using pool = makePool();
    const events = record(pool, "workerstart", "workererror", "workerstop");
    await assertRejects(() => pool.execute("throwInTimer"), WorkerCrashedError);
    await pool.execute("echo", [1]);
    assertEquals(events.map(({ type }) => type), [
      "workerstart",
      "workererror",
      "workerstop",
      "workerstart",
    ]);
    assertEquals(events.map(({ detail }) => detail.workerId), [1, 1, 1, 2]);
    const { error } = events[1].detail as { error: unknown };
    assertInstanceOf(error, RangeError);
    assertStringIncludes(error.message, "thrown in a timer");
  },
);

poolTest(
  "drain comes whenever nothing is queued or running any more",
  async () => {
    await using pool = makePool();
    const events = record(pool, "drain");
    await Promise.all([1, 2, 3].map((i) => pool.execute("echo", [i])));
    assertEquals(events.length, 1);
    await pool.execute("echo", [4]);
    assertEquals(events, [
      { type: "drain", detail: undefined },
      { type: "drain", detail: undefined },
    ]);
  },
);

poolTest(
  "drain comes for a job that fails, and for one that is aborted",
  async () => {
    await using pool = makePool();
    const events = record(pool, "drain");
    await assertRejects(() => pool.execute("overflow"));
    assertEquals(events.length, 1);
    const controller = new AbortController();
    const aborted = pool.execute("echo", [1], controller);
    controller.abort("no longer");
    await aborted.catch(() => {});
    assertEquals(events.length, 2);
  },
);

poolTest(
  "a listener may be an object, be called once, and be removed",
  async () => {
    await using pool = makePool();
    let calls = 0;
    const listener = { handleEvent: () => void calls++ };
    pool.addEventListener("jobend", listener);
    pool.addEventListener("jobend", () => calls++, { once: true });
    await pool.execute("echo", [1]);
    assertEquals(calls, 2);
    await pool.execute("echo", [1]);
    assertEquals(calls, 3);
    pool.removeEventListener("jobend", listener);
    await pool.execute("echo", [1]);
    assertEquals(calls, 3);
  },
);

poolTest("listeners may submit jobs", async () => {
  await using pool = makePool();
  const results: Promise<unknown>[] = [];
  const types = ["workerstart", "jobstart", "jobend", "drain"] as const;
  for (const [i, type] of types.entries()) {
    // A job that is submitted may start, and so be told of, within the call.
    pool.addEventListener(type, () => results[i] = pool.execute("echo", [i]), {
      once: true,
    });
  }
  await pool.execute("echo", [0]);
  await pool.drain();
  await pool.drain();
  assertEquals(await Promise.all(results), [0, 1, 2, 3]);
});

poolTest("a listener of workererror may terminate the pool", async () => {
  const pool = makePool();
  pool.addEventListener("workererror", () => pool.terminate());
  const jobs = [
    pool.execute("exit"),
    pool.execute("echo", [1]),
    pool.execute("echo", [2]),
  ];
  for (const { status } of await Promise.allSettled(jobs)) {
    assertEquals(status, "rejected");
  }
  await Promise.all([pool.drain(), pool.close()]);
  assertEquals(pool.stats().queued, 0);
});

poolTest(
  "a listener of jobstart may abort its job, or close the pool",
  async () => {
    const pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    pool.addEventListener("jobstart", () => {
      controller.abort("no longer");
      pool.close();
    }, { once: true });
    const aborted = pool.execute("passGate", [gate.key], controller);
    assertEquals(await aborted.catch((reason) => reason), "no longer");
    await pool.close();
  },
);

poolTest("jobend tells when and where the job ran", async () => {
  await using pool = makePool();
  const events = record(pool, "jobend");
  await pool.execute(function nap() {
    return new Promise((resolve) => setTimeout(resolve, 30));
  });
  const [{ detail }] = events;
  assertEquals(detail.workerId, 1);
  assertGreaterOrEqual(detail.runTime, 25);
  assertGreater(detail.waitTime, 0);
});

poolTest("jobend of a job that never started tells of no worker", async () => {
  await using pool = makePool();
  const events = record(pool, "jobend");
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const client = new AbortController();
  const queued = pool.execute("echo", [1], client);
  client.abort("left");
  await queued.catch(() => {});
  const { workerId, runTime } = events[0].detail;
  assertEquals([workerId, runTime], [undefined, 0]);
  gate.open();
  await held;
});

poolTest(
  "jobend of a job that was aborted or has timed out tells how long it ran",
  async () => {
    await using pool = makePool();
    const events = record(pool, "jobend");
    using gate = new Gate();
    const client = new AbortController();
    const aborted = pool.execute("passGate", [gate.key], client);
    await gate.arrived();
    client.abort("left");
    await aborted.catch(() => {});
    const late = pool.execute(() => new Promise(() => {}), [], { timeout: 30 });
    await late.catch(() => {});
    const [first, second] = events.map(({ detail }) => detail);
    assertEquals(first.workerId, 1);
    assertGreaterOrEqual(first.runTime, 0);
    assertEquals(typeof second.workerId, "number");
    assertGreaterOrEqual(second.runTime, 25);
  },
);

poolTest(
  "a listener of jobstart changes nothing in how jobs are sent",
  async () => {
    await using pool = makePool();
    await pool.execute("echo", [0]);
    const events = record(pool, "jobstart", "jobend");
    for (let i = 0; i < 200; i++) await pool.execute("echo", [i]);
    const { prototype } = Worker;
    const { postMessage } = prototype;
    let messages = 0;
    prototype.postMessage = function (...args: unknown[]) {
      messages++;
      return Reflect.apply(postMessage, this, args);
    };
    try {
      await Promise.all(
        Array.from({ length: 2_000 }, (_, i) => pool.execute("echo", [i])),
      );
    } finally {
      prototype.postMessage = postMessage;
    }
    assertLess(messages, 1_000);
    assertEquals(events.length, 2 * 2_200);
  },
);
