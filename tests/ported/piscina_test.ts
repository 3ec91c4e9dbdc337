// What piscina's tests promise of its pool, promised of this one.
//
// No counterpart here: idle timeouts and a least number of workers (not built yet),
// a file, environment, arguments or data for each worker (a module and arguments of
// jobs serve), priorities of the operating system, queues of one's own, switching off
// histograms, `close()` by force and with a time limit (`terminate()` and a signal
// serve), `EventEmitter` as a signal, load balancers, and CommonJS modules.
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import {
  PoolClosedError,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
} from "@spindle/thread-pool";
import type * as jobs from "../fixtures/ported.ts";
import { Gate } from "../gate.ts";
import { eventually, poolTest } from "../live_workers.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("../fixtures/ported.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

poolTest(
  "two jobs share a worker if they may, and can wait for each other",
  async () => {
    await using pool = makePool({ concurrency: 2 });
    const keys = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)] as const;
    await Promise.all([
      pool.execute("meet", [keys[0], keys[1]]),
      pool.execute("meet", [keys[1], keys[0]]),
    ]);
    assertEquals(pool.stats().size, 1);
  },
);

poolTest(
  "a worker that may have two jobs takes the next when one ends",
  async () => {
    await using pool = makePool({ concurrency: 2 });
    using first = new Gate();
    using second = new Gate();
    using third = new Gate();
    const results = [first, second, third].map(({ key }) =>
      pool.execute("whichWorkerAtGate", [key])
    );
    await Promise.all([first.arrived(), second.arrived()]);
    assertEquals(third.count, 0);
    second.open();
    await third.arrived();
    first.open();
    third.open();
    assertEquals(new Set(await Promise.all(results)).size, 1);
  },
);

poolTest(
  "an abort while a job runs costs its worker, and the next job has another",
  async () => {
    await using pool = makePool({ abortGrace: 0 });
    using gate = new Gate();
    const before = await pool.execute("whichWorker");
    const controller = new AbortController();
    const running = pool.execute("blockAtGate", [gate.key], controller);
    const next = pool.execute("whichWorker");
    await gate.arrived();
    const aborted = assertRejects(() => running, DOMException);
    controller.abort();
    assertEquals((await aborted).name, "AbortError");
    assertNotEquals(await next, before);
  },
);

poolTest(
  "jobs that leave a long queue at random leave the others in order",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const held = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const ended: number[] = [];
    const leaving = new AbortController();
    const results = Array.from({ length: 2_000 }, (_, i) => {
      const signal = i * 7 % 3 === 0 ? leaving.signal : undefined;
      return pool.execute("echo", [i], { signal }).then(
        () => void ended.push(i),
        () => {},
      );
    });
    leaving.abort();
    gate.open();
    await Promise.all([held, ...results]);
    assertEquals(ended.length, 1_333);
    assert(ended.every((i, at) => at === 0 || i > ended[at - 1]));
  },
);

poolTest(
  "a job submitted while close() waits is refused, and those before it end",
  async () => {
    const pool = makePool();
    using gate = new Gate();
    const accepted = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
    const closed = pool.close();
    await gate.arrived();
    await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
    gate.open();
    await Promise.all([...accepted, closed]);
    assertEquals(pool.stats().completed, 3);
  },
);

poolTest(
  "a timer that throws after its job has ended harms no job but those of its worker",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const errors: unknown[] = [];
    pool.addEventListener("workererror", ({ detail }) => {
      errors.push(detail.error);
    });
    assertEquals(await pool.execute("dieInTimer", [gate.key]), "returned");
    await gate.arrived();
    await eventually(() => errors.length > 0, () => "Expected a workererror");
    assertInstanceOf(errors[0], RangeError);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

poolTest(
  "a port moves into a job, and talks with main while the job runs",
  async () => {
    await using pool = makePool();
    const { port1, port2 } = new MessageChannel();
    const counted = pool.execute("echoPort", [transfer(port2)]);
    for (let i = 0; i < 10; i++) {
      const answer = new Promise((resolve) => {
        port1.onmessage = ({ data }) => resolve(data);
      });
      port1.postMessage({ i });
      assertEquals(await answer, { i });
    }
    port1.postMessage("end");
    assertEquals(await counted, 10);
    port1.close();
  },
);

poolTest(
  "a buffer goes to and fro many times with all that it holds",
  async () => {
    await using pool = makePool({ size: 2 });
    let bytes = new Uint8Array(1_000).map((_, i) => i);
    const copy = bytes.slice();
    for (let i = 0; i < 20; i++) {
      const moved = bytes;
      const result = await pool.execute("echo", [transfer(bytes)]);
      bytes = result as typeof bytes;
      assertEquals(moved.length, 0);
    }
    assertEquals(bytes, copy);
  },
);

poolTest(
  "run and wait times have as many entries as jobs, in a sensible order",
  async () => {
    await using pool = makePool({ size: 2 });
    await Promise.all(
      Array.from({ length: 10 }, () => pool.execute("giveAfter", [20, 1])),
    );
    const { waitTime, runTime } = pool.stats();
    assertEquals([waitTime.count, runTime.count], [10, 10]);
    for (const { mean, p50, p99, max } of [waitTime, runTime]) {
      assertLessOrEqual(p50, p99);
      assertLessOrEqual(p99, max);
      assertLessOrEqual(mean, max);
    }
    assertGreaterOrEqual(runTime.p50, 15);
    // With two workers, the fifth pair has waited for four.
    assertGreater(waitTime.max, 60);
  },
);

poolTest(
  "utilization is little while a pool idles, and never above 1",
  async () => {
    await using pool = makePool();
    await pool.execute("giveAfter", [100, 1]);
    const busy = pool.stats().utilization;
    assertLessOrEqual(busy, 1);
    assertGreater(busy, 0.3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assertLess(pool.stats().utilization, busy);
  },
);

poolTest(
  "thousands of jobs that each submit the next never run out of stack",
  async () => {
    await using pool = makePool();
    let count = 0;
    async function next(): Promise<void> {
      await pool.execute("echo", [count++]);
      if (count < 3_000) return next();
    }
    await next();
    assertEquals(count, 3_000);
  },
);

poolTest(
  "all idle workers wake up for jobs that come at once, again and again",
  async () => {
    await using pool = makePool({ size: 3 });
    for (let round = 0; round < 5; round++) {
      using gate = new Gate();
      const held = [1, 2, 3].map(() => pool.execute("passGate", [gate.key]));
      await gate.arrived(3);
      gate.open();
      await Promise.all(held);
    }
    assertEquals(pool.stats().size, 3);
  },
);

poolTest("workers see the environment of the program", async () => {
  Deno.env.set("SPINDLE_PORTED", "seen");
  await using pool = makePool();
  assertEquals(await pool.execute("getEnv", ["SPINDLE_PORTED"]), "seen");
  Deno.env.delete("SPINDLE_PORTED");
});

poolTest("a pool that is terminated has no worker", async () => {
  const pool = makePool({ size: 2 });
  using gate = new Gate();
  const held = [1, 2].map(() =>
    assertRejects(() => pool.execute("passGate", [gate.key]))
  );
  await gate.arrived(2);
  await pool.terminate();
  await Promise.all(held);
  assertEquals(pool.stats().size, 0);
});
