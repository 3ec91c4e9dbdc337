// Behavior that processes share with threads, but implement differently.
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

poolTest("onerror in a process can handle an error", async () => {
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

poolTest("onerror in a process need not handle an error", async () => {
  await using pool = makePool<{ leave(): Promise<void> }>(`
    onerror = () => {};
    export const leave = () => new Promise(() => {
      setTimeout(() => { throw new Error("left"); });
    });`);
  await assertRejects(() => pool.execute("leave"), WorkerCrashedError, "left");
});

poolTest("a process detaches values that move with its result", async () => {
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

/** Each ends its process after blocking it for 100 ms. */
const ENDS: Record<string, string> = {
  exits: "Deno.exit(3)",
  "has an uncaught error": "throw new Error('left')",
};

for (const [what, end] of Object.entries(ENDS)) {
  poolTest(
    `a job that has not started when its process ${what} runs in another process`,
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
