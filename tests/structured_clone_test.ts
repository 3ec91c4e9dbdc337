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

poolTest("execute() hands over arguments as structuredClone()", async () => {
  await using pool = new ThreadPool<typeof values>({ module, size: 1 });
  for (const [name, make] of Object.entries(CLONED)) {
    assertEquals(await pool.execute("seen", [make()]), native(make), name);
  }
});

poolTest("execute() gives results as structuredClone()", async () => {
  await using pool = new ThreadPool<typeof values>({ module, size: 1 });
  for (const [name, make] of Object.entries(CLONED)) {
    const result = await pool.execute("made", [name]);
    assertEquals(JSON.stringify(describe(result)), native(make), name);
  }
});

poolTest("execute() refuses what structuredClone() refuses", async () => {
  await using pool = new ThreadPool<typeof values>({ module, size: 1 });
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
});
