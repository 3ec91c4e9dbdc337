// A worker that is stopped for one job takes no result of another with it.
import { assertEquals, assertRejects } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/aborts.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

/** Holds main, so that what comes meanwhile comes with the timers that are due. */
function blockMain(until: () => boolean): void {
  while (!until());
}

poolTest(
  "a result that is on its way when its worker is stopped for the next job arrives",
  async () => {
    const module = new URL("./fixtures/aborts.ts", import.meta.url);
    await using pool = new ThreadPool<typeof jobs>({ module, size: 1 });
    using gate = new Gate();
    for (let i = 0; i < 50; i++) await pool.execute("echo", [i]); // so jobs are sent ahead
    const controller = new AbortController();
    const { signal } = controller;
    const before = pool.execute("echo", [new Map([[1, 2]])]);
    const blocked = pool.execute("blockAtGate", [gate.key], { signal });
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    blockMain(() => gate.count === 1);
    controller.abort("no longer");
    const end = performance.now() + 150;
    blockMain(() => performance.now() > end);
    await assertRejects(
      () =>
        blocked.catch((reason) => {
          throw new Error(reason);
        }),
      Error,
      "no longer",
    );
    assertEquals(await before, new Map([[1, 2]]));
    gate.open();
  },
);
