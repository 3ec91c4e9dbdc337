// Timeouts of jobs that share a worker, each with its own time.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobTimeoutError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/timeouts.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(options: ThreadPoolOptions): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/timeouts.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1, ...options });
}

poolTest(
  "others in progress live on where a loop is stopped",
  async () => {
    await using pool = makePool({ concurrency: 3 });
    using gate = new Gate();
    const others = [1, 2].map(() => pool.execute("isToldAtGate", [gate.key]));
    await gate.arrived(2);
    const looping = pool.execute("loop", [], { timeout: 30 });
    await assertRejects(() => looping, JobTimeoutError);
    gate.open();
    assertEquals(await Promise.all(others), [false, false]);
  },
);

poolTest(
  "each of several jobs has its own time",
  async () => {
    await using pool = makePool({ concurrency: 4, abortGrace: Infinity });
    await pool.execute("echo", [1]);
    const ended: number[] = [];
    const waits = [90, 30, 60].map((timeout) =>
      pool.execute("untilTold", [], { timeout }).catch((error) => {
        assertInstanceOf(error, JobTimeoutError);
        ended.push(timeout);
      })
    );
    await Promise.all(waits);
    assertEquals(ended, [30, 60, 90]);
  },
);

poolTest(
  "those in progress beside one that burns learn the cause",
  async () => {
    await using pool = makePool({ concurrency: 2, abortGrace: 20 });
    using gate = new Gate();
    const other = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const burning = pool.execute("burnAfterAwait", [gate.key], { timeout: 30 });
    await assertRejects(() => burning, JobTimeoutError);
    const error = await assertRejects(() => other, WorkerCrashedError);
    assert(error.started);
    assertStringIncludes(error.message, '"burnAfterAwait"');
  },
);
