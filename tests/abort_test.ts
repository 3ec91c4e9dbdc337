// The caller's signal takes a job back, or tells it to stop.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/aborts.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/aborts.ts", import.meta.url);
  // A busy machine may leave a handler no time to end.
  return new ThreadPool<typeof jobs>({ module, size, abortGrace: 10_000 });
}

/** What a promise is rejected with, noted at once. */
function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${value}`);
    },
    (reason) => reason,
  );
}

/** A signal that counts its listeners. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  const counts = { added: 0 };
  signal.addEventListener = (...args: unknown[]) => {
    counts.added++;
    listeners.add(args[1]);
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.delete(args[1]);
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, signal, listeners, counts };
}

poolTest(
  "a job of a signal that has been aborted is refused with its reason, and never runs",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    for (const reason of [new RangeError("no"), "text", 0, null, { a: 1 }]) {
      const signal = AbortSignal.abort(reason);
      const result = pool.execute("arrive", [gate.key], { signal });
      assertStrictEquals(await reasonOf(result), reason);
    }
    await pool.execute("echo", [1]);
    assertEquals(gate.count, 0);
  },
);

poolTest(
  "a job that is aborted in the queue rejects at once with the reason, and never runs",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    using runs = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const reason = new RangeError("no longer");
    const controller = new AbortController();
    const before = pool.execute("arrive", [runs.key]);
    const aborted = reasonOf(pool.execute("arrive", [runs.key], controller));
    const after = pool.execute("arrive", [runs.key]);
    controller.abort(reason);
    assertStrictEquals(await aborted, reason);
    assertEquals(runs.count, 0);
    gate.open();
    await Promise.all([held, before, after]);
    assertEquals(runs.count, 2);
  },
);

poolTest(
  "a job that is aborted while the first worker starts never runs",
  async () => {
    await using pool = makePool();
    using runs = new Gate();
    const controller = new AbortController();
    const aborted = reasonOf(pool.execute("arrive", [runs.key], controller));
    const other = pool.execute("echo", [1]);
    controller.abort("early");
    assertEquals([await aborted, await other], ["early", 1]);
    assertEquals(runs.count, 0);
  },
);

poolTest(
  "a job that is sent ahead and aborted before it starts never runs",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    using runs = new Gate();
    for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so jobs are sent ahead
    const held = pool.execute("blockAtGate", [gate.key]);
    const controller = new AbortController();
    const { signal } = controller;
    const results = Array.from(
      { length: 20 },
      () => reasonOf(pool.execute("arrive", [runs.key], { signal })),
    );
    const other = pool.execute("arrive", [runs.key]);
    await gate.arrived();
    controller.abort("no longer");
    assertEquals(await Promise.all(results), new Array(20).fill("no longer"));
    gate.open();
    await Promise.all([held, other]);
    assertEquals(runs.count, 1);
  },
);

poolTest(
  "a running job that is aborted rejects at once, though its handler goes on",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const reason = new RangeError("no longer");
    const aborted = reasonOf(pool.execute("passGate", [gate.key], controller));
    await gate.arrived();
    controller.abort(reason);
    assertStrictEquals(await aborted, reason);
    gate.open();
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest(
  "a synchronous job that is aborted rejects at once, and its worker serves others after it",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const aborted = reasonOf(
      pool.execute("blockAtGate", [gate.key], controller),
    );
    await gate.arrived();
    controller.abort("no longer");
    assertEquals(await aborted, "no longer");
    const next = pool.execute("echo", [1]);
    gate.open();
    assertEquals(await next, 1);
  },
);

poolTest(
  "an abort fires the signal of currentJob() with the reason",
  async () => {
    await using pool = makePool();
    const reasons = [new RangeError("no"), "text", { a: [1] }, 7, undefined];
    for (const reason of reasons) {
      using gate = new Gate();
      const controller = new AbortController();
      const aborted = reasonOf(
        pool.execute("untilAbort", [gate.key], controller),
      );
      await gate.arrived();
      controller.abort(reason);
      assertStrictEquals(await aborted, controller.signal.reason);
      const seen = await pool.execute("reasonSeen");
      if (reason === undefined) {
        assertInstanceOf(seen, DOMException);
        assertEquals(seen.name, "AbortError");
      } else if (reason instanceof Error) {
        assertInstanceOf(seen, RangeError);
        assertEquals(seen.message, "no");
      } else assertEquals(seen, reason);
    }
  },
);

poolTest(
  "currentJob().signal.reason keeps its class, name, cause and properties",
  async () => {
    await using pool = makePool();
    const own = Object.assign(
      new Deno.errors.NotFound("gone", { cause: new WebAssembly.LinkError() }),
      { code: 7 },
    );
    class Own extends TypeError {}
    for (
      const [reason, Class] of [
        [own, Deno.errors.NotFound],
        [new Own("own"), TypeError],
        [new DOMException("late", "TimeoutError"), DOMException],
        [new AggregateError([new RangeError("one")], "many"), AggregateError],
      ] as const
    ) {
      using gate = new Gate();
      const controller = new AbortController();
      const aborted = reasonOf(
        pool.execute("untilAbort", [gate.key], controller),
      );
      await gate.arrived();
      controller.abort(reason);
      assertStrictEquals(await aborted, reason);
      const seen = await reasonOf(pool.execute("throwReason")) as Error;
      assertInstanceOf(seen, Class);
      assertEquals(seen.name, reason instanceof Own ? "Own" : reason.name);
      assertEquals(seen.message, reason.message);
      if (reason === own) {
        assertEquals((seen as typeof own).code, 7);
        assertInstanceOf(seen.cause, WebAssembly.LinkError);
      }
    }
  },
);

poolTest(
  "an abort whose reason cannot be cloned reaches the handler all the same",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const reason = () => "a function";
    const aborted = reasonOf(
      pool.execute("untilAbort", [gate.key], controller),
    );
    await gate.arrived();
    controller.abort(reason);
    assertStrictEquals(await aborted, reason);
    assertEquals(typeof await pool.execute("reasonSeen"), "string");
  },
);

poolTest("a timeout signal aborts a job with its TimeoutError", async () => {
  await using pool = makePool();
  using gate = new Gate();
  await pool.execute("echo", [1]); // its worker has started
  // Long enough for the job to start on a busy machine.
  const signal = AbortSignal.timeout(1_000);
  const reason = await reasonOf(
    pool.execute("untilAbort", [gate.key], { signal }),
  );
  assertStrictEquals(reason, signal.reason);
  const seen = await pool.execute("reasonSeen") as DOMException;
  assertInstanceOf(seen, DOMException);
  assertEquals(seen.name, "TimeoutError");
});

poolTest("what a handler throws after its abort is ignored", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const controller = new AbortController();
  const aborted = reasonOf(
    pool.execute("throwOnAbort", [gate.key], controller),
  );
  await gate.arrived();
  controller.abort("no longer");
  assertEquals(await aborted, "no longer");
  assertEquals(await pool.execute("echo", [1]), 1);
  const { aborted: count, failed, completed } = pool.stats();
  assertEquals({ count, failed, completed }, {
    count: 1,
    failed: 0,
    completed: 1,
  });
});

poolTest("the signal of the next job on the worker has not fired", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const controller = new AbortController();
  const aborted = reasonOf(pool.execute("untilAbort", [gate.key], controller));
  await gate.arrived();
  const next = pool.execute("isAborted");
  controller.abort("no longer");
  await aborted;
  assertEquals(await next, false);
});

poolTest("an abort harms no other job", async () => {
  await using pool = makePool(2);
  using gate = new Gate();
  const controller = new AbortController();
  const aborted = reasonOf(
    pool.execute("isAbortedAtGate", [gate.key], controller),
  );
  const other = pool.execute("isAbortedAtGate", [gate.key]);
  const queued = Array.from(
    { length: 10 },
    (_, i) => pool.execute("echo", [i]),
  );
  await gate.arrived(2);
  controller.abort("no longer");
  await aborted;
  gate.open();
  assertEquals(await other, false);
  assertEquals(await Promise.all(queued), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

poolTest("an abort after a job has ended does nothing", async () => {
  await using pool = makePool();
  const controller = new AbortController();
  assertEquals(await pool.execute("echo", [1], controller), 1);
  controller.abort();
  assertEquals(await pool.execute("isAborted"), false);
  assertEquals(pool.stats().aborted, 0);
});

poolTest(
  "one signal aborts 10 000 jobs, quickly, and leaves no listener",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const { controller, signal, listeners, counts } = countedSignal();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const start = performance.now();
    const results = Array.from(
      { length: 10_000 },
      (_, i) => reasonOf(pool.execute("echo", [i], { signal })),
    );
    assertLess(counts.added, 3);
    controller.abort("all of you");
    for (const reason of await Promise.all(results)) {
      assertEquals(reason, "all of you");
    }
    assertLess(performance.now() - start, 3_000);
    assertEquals(listeners.size, 0);
    assertEquals(pool.stats().aborted, 10_000);
    assertEquals(pool.stats().queued, 0);
    gate.open();
    await held;
  },
);

poolTest("a signal keeps no listener once its jobs have settled", async () => {
  await using pool = makePool();
  const { signal, listeners, counts } = countedSignal();
  await Promise.all(
    Array.from(
      { length: 100 },
      (_, i) => pool.execute("echo", [i], { signal }),
    ),
  );
  await assertRejects(() => pool.execute("echo", [() => {}], { signal }));
  assert(counts.added > 0);
  assertEquals(listeners.size, 0);
});

poolTest("a signal keeps no listener once the pool is terminated", async () => {
  await using pool = makePool();
  const { signal, listeners } = countedSignal();
  const results = Array.from(
    { length: 10 },
    (_, i) => reasonOf(pool.execute("echo", [i], { signal })),
  );
  await pool.terminate();
  await Promise.all(results);
  assertEquals(listeners.size, 0);
});

poolTest("a job that is aborted in the queue makes room in it", async () => {
  await using pool = new ThreadPool({ size: 1, queue: { capacity: 1 } });
  using gate = new Gate();
  const wait = (key: SharedArrayBuffer) =>
    Atomics.waitAsync(new Int32Array(key), 1, 0).value;
  const held = pool.execute(wait, [gate.key]);
  const controller = new AbortController();
  const queued = reasonOf(pool.execute(() => 1, [], controller));
  let isReady = false;
  const ready = pool.ready().then(() => isReady = true);
  await pool.stats();
  assertEquals(isReady, false);
  controller.abort("no longer");
  await Promise.all([queued, ready]);
  gate.open();
  await held;
});

poolTest(
  "a listener of jobend may terminate the pool while a signal aborts its jobs",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const first = reasonOf(pool.execute("passGate", [gate.key]));
    await gate.arrived();
    const aborted = Array.from(
      { length: 5 },
      (_, i) => reasonOf(pool.execute("echo", [i], { signal })),
    );
    pool.addEventListener("jobend", () => pool.terminate(), { once: true });
    controller.abort("no longer");
    assertEquals((await Promise.all([first, ...aborted])).length, 6);
    await pool.drain();
    const { queued, running, aborted: count, failed } = pool.stats();
    assertEquals({ queued, running, settled: count + failed }, {
      queued: 0,
      running: 0,
      settled: 6,
    });
  },
);

poolTest(
  "close() does not wait for what an aborted job still does",
  async () => {
    const pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const aborted = reasonOf(pool.execute("passGate", [gate.key], controller));
    await gate.arrived();
    controller.abort("no longer");
    await aborted;
    await pool.close();
  },
);

poolTest(
  "jobs that are aborted before their worker sees them use nothing up",
  async () => {
    await using pool = makePool();
    assertEquals(await pool.execute("echo", [0]), 0);
    for (let i = 0; i < 5_000; i++) {
      const controller = new AbortController();
      const { signal } = controller;
      const job = reasonOf(pool.execute("echo", [i], { signal }));
      controller.abort("no longer");
      assertEquals(await job, "no longer");
    }
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);
