// What jobs overwrite does not stop their worker's other jobs.
import { assertEquals, assertRejects } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

/** Each overwrites something of its thread. */
const ATTACKS: Record<string, () => void> = {
  "MessagePort.prototype.postMessage": () => {
    MessagePort.prototype.postMessage = () => {};
  },
  "postMessage and close": () => {
    Object.assign(globalThis, { postMessage: () => {}, close: () => {} });
  },
  "Promise": () => {
    globalThis.Promise = class {} as unknown as PromiseConstructor;
  },
};

for (const [what, attack] of Object.entries(ATTACKS)) {
  for (const hardKill of [false, true]) {
    const kind = hardKill ? "with hardKill" : "on a Web Worker";
    poolTest(
      `jobs after one that overwrites ${what} end as ever (${kind})`,
      async () => {
        await using pool = new ThreadPool({ size: 1, hardKill });
        await pool.execute(attack);
        // So long that timers and I/O have their turn between them.
        const job = async (i: number) => {
          for (const end = performance.now() + 15; performance.now() < end;);
          await undefined;
          if (i === 1) throw new RangeError("thrown");
          return new Map([[i, i]]);
        };
        const [first, second, third] = [0, 1, 2].map((i) =>
          pool.execute(job, [i])
        );
        assertEquals(await first, new Map([[0, 0]]));
        await assertRejects(() => second, RangeError, "thrown");
        assertEquals(await third, new Map([[2, 2]]));
      },
    );
  }
}
