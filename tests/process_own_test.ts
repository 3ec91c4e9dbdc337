// What holds of a process as of a thread, though it is made in another way.
import { assertEquals, assertRejects } from "@std/assert";
import {
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { transfer } from "@spindle/thread-pool/worker";
import { poolTest } from "./live_workers.ts";

function makePool<Jobs>(
  source: string,
  options: ThreadPoolOptions = {},
): ThreadPool<Jobs> {
  return new ThreadPool<Jobs>({
    module: `data:text/javascript,${encodeURIComponent(source)}`,
    size: 1,
    isolation: "process",
    ...options,
  });
}

poolTest("onerror of a module in a process prevents an error", async () => {
  await using pool = makePool<{ leave(): Promise<unknown[]> }>(`
    let told;
    onerror = (...args) => (told = args, true);
    export const leave = () => new Promise((resolve) => {
      setTimeout(() => {
        setTimeout(() => resolve(told.map((arg) => typeof arg)));
        throw new Error("left");
      });
    });`);
  assertEquals(await pool.execute("leave"), [
    "string",
    "string",
    "number",
    "number",
    "object",
  ]);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("onerror of a module in a process need not prevent it", async () => {
  await using pool = makePool<{ leave(): Promise<void> }>(`
    onerror = () => {};
    export const leave = () => new Promise(() => {
      setTimeout(() => { throw new Error("left"); });
    });`);
  await assertRejects(() => pool.execute("leave"), WorkerCrashedError, "left");
});

poolTest("what moves with a result is gone in its process", async () => {
  await using pool = makePool("");
  const length = await pool.execute(() => {
    const global = globalThis as { moved?: ArrayBuffer[] };
    global.moved = [new ArrayBuffer(8), new ArrayBuffer(100_000)];
    return transfer(global.moved, global.moved);
  });
  assertEquals(length.map(({ byteLength }) => byteLength), [8, 100_000]);
  assertEquals(
    await pool.execute(() => {
      const { moved } = globalThis as { moved?: ArrayBuffer[] };
      return moved!.map(({ detached }) => detached);
    }),
    [true, true],
  );
});

/** Each ends the process in 100 ms of which nothing but it has a turn. */
const ENDS: Record<string, string> = {
  exits: "Deno.exit(3)",
  "has an error that nobody catches": "throw new Error('left')",
};

for (const [what, end] of Object.entries(ENDS)) {
  poolTest(
    `a job that a process has not started when it ${what} runs in another one`,
    async () => {
      type Jobs = { leave(): number; id(): string };
      await using pool = makePool<Jobs>(`
        const own = crypto.randomUUID();
        export const id = () => own;
        export const leave = () => {
          setTimeout(() => {
            const until = performance.now() + 100;
            while (performance.now() < until);
            ${end};
          });
          return 1;
        };`);
      const before = await pool.execute("id");
      await pool.execute("leave");
      await new Promise((resolve) => setTimeout(resolve, 20));
      const after = await pool.execute("id");
      assertEquals([after === before, after.length], [false, 36]);
    },
  );
}

poolTest(
  "a job that runs when its process exits does not run again",
  async () => {
    await using pool = makePool<{ exit(): void }>(
      "export const exit = () => Deno.exit(3);",
    );
    await pool.execute(() => 1);
    const error = await assertRejects(
      () => pool.execute("exit"),
      WorkerCrashedError,
      "code 3",
    );
    assertEquals(error.started, true);
  },
);
