// close(), drain() and await using: the pool finishes what it has accepted.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { PoolClosedError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/gates.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/gates.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

poolTest(
  "close() waits for running and queued jobs, and their results arrive",
  async () => {
    const pool = makePool(2);
    using gate = new Gate();
    const held = [gate.key, gate.key].map((key) =>
      pool.execute("passGate", [key])
    );
    const queued = Array.from(
      { length: 100 },
      (_, i) => pool.execute("echo", [i]),
    );
    let isClosed = false;
    const closed = pool.close().then(() => isClosed = true);
    await gate.arrived(2);
    assertEquals(isClosed, false);
    gate.open();
    await Promise.all(held);
    assertEquals(
      await Promise.all(queued),
      Array.from({ length: 100 }, (_, i) => i),
    );
    await closed;
    assertEquals(pool.stats().size, 0);
  },
);

poolTest(
  "execute() after close() rejects with PoolClosedError, also before it has ended",
  async () => {
    const pool = makePool();
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    const closed = pool.close();
    await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
    gate.open();
    await held;
    await closed;
    await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
    assertEquals(pool.stats().failed, 0);
  },
);

poolTest("close() of a pool that was never used resolves", async () => {
  const pool = makePool();
  await pool.close();
  await pool.drain();
});

poolTest(
  "close() may be called again, before and after it has ended",
  async () => {
    const pool = makePool();
    const result = pool.execute("echo", [1]);
    await Promise.all([
      pool.close(),
      pool.close(),
      pool[Symbol.asyncDispose](),
    ]);
    assertEquals(await result, 1);
    await pool.close();
    await pool[Symbol.asyncDispose]();
  },
);

poolTest("close() resolves though jobs fail", async () => {
  const pool = makePool();
  const failed = pool.execute(() => {
    throw new RangeError("wrong");
  });
  await Promise.all([assertRejects(() => failed, RangeError), pool.close()]);
});

poolTest(
  "close() resolves once its last job is aborted in the queue",
  async () => {
    const pool = makePool();
    using gate = new Gate();
    const controller = new AbortController();
    const held = pool.execute("passGate", [gate.key], controller);
    const queued = pool.execute("passGate", [gate.key], controller);
    await gate.arrived();
    const closed = pool.close();
    controller.abort("no longer");
    assertEquals(await held.catch((reason) => reason), "no longer");
    assertEquals(await queued.catch((reason) => reason), "no longer");
    await closed;
  },
);

poolTest(
  "close() from a job's result, an event and a waiter works",
  async () => {
    const first = makePool();
    await first.execute("echo", [1]).then(() => first.close());

    const second = makePool();
    const drained = new Promise<void>((resolve) => {
      second.addEventListener("drain", () => resolve(second.close()));
    });
    await second.execute("echo", [1]);
    await drained;

    const third = makePool();
    await third.ready().then(() => third.close());
  },
);

poolTest("await using closes the pool after its jobs", async () => {
  let result: Promise<unknown>;
  {
    await using pool = makePool();
    result = pool.execute("echo", ["done"]);
  }
  assertEquals(await result, "done");
});

poolTest(
  "drain() resolves at once when nothing is queued or running",
  async () => {
    await using pool = makePool();
    await pool.drain();
    await pool.execute("echo", [1]);
    await pool.drain();
  },
);

poolTest(
  "drain() resolves when all jobs have settled, failed ones too",
  async () => {
    await using pool = makePool(2);
    let settled = 0;
    for (let i = 0; i < 100; i++) {
      const result: Promise<unknown> = i % 3
        ? pool.execute("echo", [i])
        : pool.execute(() => {
          throw new RangeError("wrong");
        });
      result.catch(() => {}).finally(() => settled++);
    }
    await pool.drain();
    const { queued, running, completed, failed } = pool.stats();
    assertEquals({ queued, running, completed, failed }, {
      queued: 0,
      running: 0,
      completed: 66,
      failed: 34,
    });
    await Promise.resolve().then(() => {}).then(() => {});
    assertEquals(settled, 100);
  },
);

poolTest(
  "drain() waits for jobs that come while it waits, and the pool goes on",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    using second = new Gate();
    const first = pool.execute("passGate", [gate.key]);
    let isDrained = false;
    const drained = pool.drain().then(() => isDrained = true);
    const next = pool.execute("passGate", [second.key]);
    gate.open();
    await first;
    await second.arrived();
    assert(!isDrained);
    second.open();
    await next;
    await drained;
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

poolTest("drain() may be awaited by many", async () => {
  await using pool = makePool();
  const result = pool.execute("echo", [1]);
  await Promise.all([pool.drain(), pool.drain(), result]);
});

poolTest("close() resolves for all who called it, to nothing", async () => {
  const pool = makePool();
  const results = await Promise.all([pool.close(), pool.close()]);
  for (const result of results) assertStrictEquals(result, undefined);
});
