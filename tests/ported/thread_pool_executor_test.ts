// What the JDK's tests promise of ThreadPoolExecutor, promised of this pool.
//
// No counterpart here: setters and getters of what a pool is made of (its options are
// for good), core and largest sizes and threads started ahead (workers start when
// there is work), keep-alive times (not built yet), thread factories, a policy that
// discards silently (every promise settles), and subclasses' hooks (events serve).
// `invokeAll` and `invokeAny` are `Promise.all` and `Promise.any` with a signal.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import type * as jobs from "../fixtures/ported.ts";
import { Gate } from "../gate.ts";
import { eventually, poolTest } from "../live_workers.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("../fixtures/ported.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

/** A policy for a full queue, with one worker and room for one more job. */
function saturable(
  whenFull: "reject" | "discard-oldest" | "caller-runs",
): ThreadPool<typeof jobs> {
  return makePool({ queue: { capacity: 1, whenFull } });
}

poolTest(
  "the count of running jobs rises and falls with them, never above",
  async () => {
    await using pool = makePool({ size: 2 });
    assertEquals(pool.stats().running, 0);
    using first = new Gate();
    using second = new Gate();
    const one = pool.execute("passGate", [first.key]);
    await first.arrived();
    assertEquals(pool.stats().running, 1);
    const two = pool.execute("passGate", [second.key]);
    await second.arrived();
    assertEquals(pool.stats().running, 2);
    first.open();
    await one;
    assertEquals(pool.stats().running, 1);
    second.open();
    await two;
    assertEquals(pool.stats().running, 0);
  },
);

poolTest(
  "queued, running and ended jobs add up to those accepted",
  async () => {
    await using pool = makePool({ size: 2 });
    using gate = new Gate();
    const accepted = Array.from(
      { length: 10 },
      () => pool.execute("passGate", [gate.key]),
    );
    const total = () => {
      const { queued, running, completed, failed, aborted } = pool.stats();
      return queued + running + completed + failed + aborted;
    };
    assertEquals(total(), 10);
    await gate.arrived(2);
    assertEquals(total(), 10);
    gate.open();
    await Promise.all(accepted);
    assertEquals(total(), 10);
  },
);

poolTest("the pool never has more workers than its size", async () => {
  await using pool = makePool({ size: 2 });
  let most = 0;
  pool.addEventListener("workerstart", () => {
    most = Math.max(most, pool.stats().size);
  });
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => pool.execute("giveAfter", [i % 4, i])),
  );
  assertLessOrEqual(most, 2);
});

for (const whenFull of ["reject", "discard-oldest", "caller-runs"] as const) {
  poolTest(
    `a closed pool takes no job, whatever its policy ("${whenFull}")`,
    async () => {
      const pool = saturable(whenFull);
      using gate = new Gate();
      using runs = new Gate();
      const held = pool.execute("passGate", [gate.key]);
      await gate.arrived();
      const queued = pool.execute("echo", ["queued"]);
      const closed = pool.close();
      await assertRejects(
        () => pool.execute("arrive", [runs.key]),
        PoolClosedError,
      );
      gate.open();
      assertEquals(await queued, "queued");
      await Promise.all([held, closed]);
      assertEquals(runs.count, 0);
    },
  );
}

poolTest(
  "what is taken out of the queue never runs, and leaves room",
  async () => {
    await using pool = makePool({ queue: { capacity: 3, whenFull: "reject" } });
    using gate = new Gate();
    using runs = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const controllers = [1, 2, 3].map(() => new AbortController());
    const queued = controllers.map((controller) =>
      pool.execute("arrive", [runs.key], controller).catch(() => "aborted")
    );
    controllers[1].abort();
    assertEquals(await queued[1], "aborted");
    assertEquals(pool.stats().queued, 2);
    const added = pool.execute("arrive", [runs.key]);
    gate.open();
    await Promise.all([held, queued[0], queued[2], added]);
    assertEquals(runs.count, 3);
  },
);

poolTest(
  "close() lets what is queued run, and terminate() does not",
  async () => {
    for (const end of ["close", "terminate"] as const) {
      const pool = makePool();
      using gate = new Gate();
      using runs = new Gate();
      const held = pool.execute("passGate", [gate.key]).catch((error) => error);
      await gate.arrived();
      const queued = Array.from(
        { length: 5 },
        () => pool.execute("arrive", [runs.key]).catch((error) => error),
      );
      const ended = pool[end]();
      gate.open();
      const results = await Promise.all([held, ...queued, ended]);
      const rejected = results.filter((result) =>
        result instanceof PoolTerminatedError
      );
      assertEquals(rejected.length, end === "close" ? 0 : 6);
      assertEquals(runs.count, end === "close" ? 5 : 0);
    }
  },
);

poolTest(
  "a job knows of its start before it and of its end after it",
  async () => {
    await using pool = makePool();
    const told: string[] = [];
    pool.addEventListener("jobstart", () => told.push("start"));
    pool.addEventListener("jobend", ({ detail }) => {
      told.push(detail.ok ? "end" : `end: ${detail.error}`);
    });
    await pool.execute("echo", [1]);
    const failing = pool.execute("failAfter", [0, "failed"]);
    await assertRejects(() => failing, RangeError);
    assertEquals(told, ["start", "end", "start", "end: RangeError: failed"]);
  },
);

poolTest(
  "the end of the pool comes once, after that of its last job",
  async () => {
    const pool = makePool();
    const told: string[] = [];
    const job = pool.execute("giveAfter", [20, 1]).then(() => told.push("job"));
    const closed = pool.close().then(() => told.push("pool"));
    await Promise.all([job, closed]);
    assertEquals(told, ["job", "pool"]);
  },
);

poolTest(
  "of several jobs the first that succeeds is enough, and stops the others",
  async () => {
    await using pool = makePool({ size: 3 });
    using gate = new Gate();
    const others = new AbortController();
    const { signal } = others;
    const waiting = pool.execute("passGate", [gate.key], { signal });
    const aborted = assertRejects(() => waiting);
    const first = await Promise.any([
      pool.execute("failAfter", [0, "failed"], { signal }),
      pool.execute("giveAfter", [20, "first"], { signal }),
      waiting,
    ]);
    others.abort();
    assertEquals(first, "first");
    await aborted;
  },
);

poolTest(
  "of several jobs of which none succeeds, all reasons are told",
  async () => {
    await using pool = makePool({ size: 2 });
    const error = await assertRejects(
      () =>
        Promise.any(["a", "b", "c"].map((message) => {
          return pool.execute("failAfter", [0, message]);
        })),
      AggregateError,
    );
    assertEquals(error.errors.map(({ message }) => message), ["a", "b", "c"]);
  },
);

poolTest(
  "all of several jobs, of which one fails: the others end all the same",
  async () => {
    await using pool = makePool({ size: 2 });
    const settled = await Promise.allSettled([
      pool.execute("giveAfter", [10, 1]),
      pool.execute("failAfter", [0, "failed"]),
      pool.execute("giveAfter", [0, 3]),
    ]);
    assertEquals(
      settled.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
  },
);

poolTest(
  "a pool whose jobs all fail goes on with the same workers",
  async () => {
    await using pool = makePool({ size: 2 });
    const before = await pool.execute("whichWorker");
    const failures = await Promise.all(
      Array.from(
        { length: 200 },
        (_, i) =>
          pool.execute("failAfter", [0, String(i)]).catch((error) => error),
      ),
    );
    assert(failures.every((error) => error instanceof RangeError));
    assertInstanceOf(failures[0], RangeError);
    let isThere = false;
    await eventually(
      async () => isThere ||= await pool.execute("whichWorker") === before,
      () => "Expected the first worker to be there still",
    );
    assertEquals(pool.stats().crashed, 0);
  },
);
