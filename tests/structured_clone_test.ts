// What arrives, beside what `structuredClone()` makes of the same value.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import type * as values from "./fixtures/clone_values.ts";
import { CLONED, describe, REFUSED } from "./fixtures/clone_values.ts";
import { poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/clone_values.ts", import.meta.url);

function native(make: () => unknown): string {
  return JSON.stringify(describe(structuredClone(make())));
}

/** What only threads of one process can share. */
const SHARED = /SharedArrayBuffer|WebAssembly.Module/;

for (const isolation of ["thread", "process"] as const) {
  const makePool = () =>
    new ThreadPool<typeof values>({ module, size: 1, isolation });
  const cloned = Object.entries(CLONED).filter(([name]) => {
    return isolation === "thread" || !SHARED.test(name);
  });

  poolTest(
    `execute() hands over arguments as structuredClone() (${isolation})`,
    async () => {
      await using pool = makePool();
      for (const [name, make] of cloned) {
        assertEquals(await pool.execute("seen", [make()]), native(make), name);
      }
    },
  );

  poolTest(
    `execute() gives results as structuredClone() (${isolation})`,
    async () => {
      await using pool = makePool();
      for (const [name, make] of cloned) {
        const result = await pool.execute("made", [name]);
        assertEquals(JSON.stringify(describe(result)), native(make), name);
      }
    },
  );

  poolTest(
    `execute() refuses what structuredClone() refuses (${isolation})`,
    async () => {
      await using pool = makePool();
      for (const [name, make] of Object.entries(REFUSED)) {
        assertThrows(() => structuredClone(make()));
        await assertRejects(
          () => pool.execute("seen", [make()]),
          JobCloneError,
          undefined,
          name,
        );
        // To return a promise is to wait for it.
        if (name.includes("promise")) continue;
        await assertRejects(
          () => pool.execute("made", [name]),
          JobCloneError,
          undefined,
          name,
        );
      }
    },
  );
}

poolTest(
  "what only threads can share is refused by name, for a process and from one",
  async () => {
    await using pool = new ThreadPool<typeof values>({
      module,
      size: 1,
      isolation: "process",
    });
    const shared = Object.entries(CLONED).filter(([name]) => SHARED.test(name));
    assertEquals(shared.length, 3);
    for (const [name, make] of shared) {
      const why = /which a process cannot share|another process/;
      for (
        const execute of [
          () => pool.execute("seen", [make()]),
          () => pool.execute("made", [name]),
        ]
      ) {
        const { message } = await assertRejects(execute, JobCloneError);
        assertEquals(why.test(message), true, message);
      }
    }
    assertEquals(pool.stats().crashed, 0);
  },
);
