// terminate() stops now, and rejects everything.
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/gates.ts", import.meta.url);

function makePool(size = 1): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({ module, size });
}

/** Checks that all are rejected with PoolTerminatedError of this cause. */
async function assertTerminated(
  promises: Promise<unknown>[],
  cause: unknown,
): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    assertEquals(result.status, "rejected");
    const { reason } = result as PromiseRejectedResult;
    assertInstanceOf(reason, PoolTerminatedError);
    assertStrictEquals(reason.cause, cause);
  }
}

poolTest(
  "terminate() rejects running and queued jobs with its reason as the cause",
  async () => {
    const reason = new RangeError("enough");
    const pool = makePool(2);
    using gate = new Gate();
    const results = Array.from(
      { length: 20 },
      () => pool.execute("passGate", [gate.key]),
    );
    await gate.arrived(2);
    const terminated = pool.terminate(reason);
    await assertTerminated(results, reason);
    await terminated;
    await assertTerminated([pool.execute("echo", [1])], reason);
    const { size, queued, running, failed } = pool.stats();
    assertEquals({ size, queued, running, failed }, {
      size: 0,
      queued: 0,
      running: 0,
      failed: 20,
    });
  },
);

poolTest("terminate() without a reason has no cause", async () => {
  const pool = makePool();
  const result = pool.execute("echo", [1]);
  const terminated = pool.terminate();
  await assertTerminated([result], undefined);
  await terminated;
});

poolTest(
  "terminate() may come at any moment of the workers' start",
  async () => {
    for (let ms = 0; ms < 30; ms += 3) {
      const pool = makePool(2);
      using gate = new Gate();
      const results = Array.from(
        { length: 4 },
        () => pool.execute("passGate", [gate.key]),
      );
      const settled = Promise.allSettled(results);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await pool.terminate("early");
      await assertTerminated(results, "early");
      await settled;
    }
  },
);

poolTest(
  "terminate() in the turn of the first execute() rejects it",
  async () => {
    const pool = makePool();
    const result = pool.execute("echo", [1]);
    const terminated = pool.terminate("at once");
    await assertTerminated([result], "at once");
    await terminated;
  },
);

poolTest("terminate() of a pool that was never used resolves", async () => {
  const pool = makePool();
  await pool.terminate();
  await pool.drain();
  await pool.close();
});

poolTest("the first reason of terminate() stays", async () => {
  const pool = makePool();
  const result = pool.execute("echo", [1]);
  const first = pool.terminate("first");
  const second = pool.terminate("second");
  await assertTerminated([result, pool.execute("echo", [1])], "first");
  await Promise.all([first, second]);
});

poolTest("terminate() during close() settles both", async () => {
  const pool = makePool();
  using gate = new Gate();
  const running = pool.execute("passGate", [gate.key]);
  const queued = pool.execute("echo", [1]);
  await gate.arrived();
  const closed = pool.close();
  const terminated = pool.terminate("enough");
  await assertTerminated([running, queued], "enough");
  await Promise.all([closed, terminated]);
});

poolTest("terminate() after close() changes nothing", async () => {
  const pool = makePool();
  const result = pool.execute("echo", [1]);
  await pool.close();
  await pool.terminate("late");
  assertEquals(await result, 1);
  await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
});

poolTest("close() after terminate() resolves", async () => {
  const pool = makePool();
  await pool.execute("echo", [1]);
  await pool.terminate();
  await pool.close();
  await pool[Symbol.asyncDispose]();
});

poolTest("terminate() settles drain()", async () => {
  const pool = makePool();
  using gate = new Gate();
  const running = pool.execute("passGate", [gate.key]);
  const drained = pool.drain();
  const terminated = pool.terminate();
  await assertTerminated([running], undefined);
  await Promise.all([drained, terminated]);
});

poolTest("results that have arrived before terminate() stand", async () => {
  const pool = makePool();
  const first = await pool.execute("echo", [1]);
  const second = pool.execute("echo", [2]).catch((error) => error);
  await pool.terminate();
  assertEquals(first, 1);
  // It may have ended just before, but settles in any case.
  const result = await second;
  if (result !== 2) assertInstanceOf(result, PoolTerminatedError);
});

poolTest(
  "terminate() from a job's result, and from events, works",
  async () => {
    const first = makePool();
    const results = [1, 2, 3].map((i) => first.execute("echo", [i]));
    const settled = Promise.allSettled(results);
    await results[0].then(() => first.terminate());
    await settled;

    for (
      const type of ["jobstart", "jobend", "workerstart", "drain"] as const
    ) {
      const pool = makePool(2);
      pool.addEventListener(type, () => pool.terminate(type));
      const settled = await Promise.allSettled(
        [1, 2, 3, 4, 5].map((i) => pool.execute("echo", [i])),
      );
      for (const result of settled) {
        if (result.status === "rejected") {
          assertInstanceOf(result.reason, PoolTerminatedError, type);
        }
      }
      await pool.close();
      const { size, queued, running } = pool.stats();
      assertEquals([size, queued, running], [0, 0, 0], type);
    }
  },
);

poolTest(
  "the pool's signal terminates it with the signal's reason",
  async () => {
    const controller = new AbortController();
    const pool = new ThreadPool<typeof jobs>({
      module,
      size: 1,
      signal: controller.signal,
    });
    using gate = new Gate();
    const results = [
      pool.execute("passGate", [gate.key]),
      pool.execute("echo", [1]),
    ];
    await gate.arrived();
    const reason = new RangeError("no longer");
    controller.abort(reason);
    await assertTerminated(results, reason);
    await assertTerminated([pool.execute("echo", [1])], reason);
    await pool.close();
  },
);

poolTest("a pool of a signal that has been aborted takes no job", async () => {
  const signal = AbortSignal.abort("too late");
  await using pool = new ThreadPool({ size: 1, signal });
  await assertTerminated([pool.execute(() => 1), pool.ready()], "too late");
  assertEquals(pool.stats().size, 0);
});

poolTest("a closed pool no longer listens to its signal", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  for (const end of ["close", "terminate"] as const) {
    const pool = new ThreadPool({ size: 1, signal });
    await pool.execute(() => 1);
    assertEquals(listeners, 1);
    await pool[end]();
    assertEquals(listeners, 0);
  }
});

poolTest("jobs and the pool may have one signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const pool = new ThreadPool<typeof jobs>({ module, size: 1, signal });
  using gate = new Gate();
  const results = [1, 2, 3].map(() =>
    pool.execute("passGate", [gate.key], { signal })
  );
  await gate.arrived();
  controller.abort("all of it");
  for (const result of await Promise.allSettled(results)) {
    assertEquals(result.status, "rejected");
    const { reason } = result as PromiseRejectedResult;
    assertEquals(reason.cause ?? reason, "all of it");
  }
  await pool.close();
});

poolTest("100 pools that are made and terminated leave nothing", async () => {
  for (let i = 0; i < 25; i++) {
    const pools = Array.from({ length: 4 }, () => new ThreadPool(1));
    const results = pools.map((pool) => pool.execute((i: number) => i, [i]));
    const settled = Promise.allSettled(results);
    if (i % 2) await results[0];
    await Promise.all(pools.map((pool) => pool.terminate()));
    await settled;
  }
});
