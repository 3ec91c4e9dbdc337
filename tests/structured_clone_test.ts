// Compares values that arrive with the result of `structuredClone()`.
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import type * as values from "./fixtures/clone_values.ts";
import { CLONED, describe, REFUSED } from "./fixtures/clone_values.ts";
import { poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/clone_values.ts", import.meta.url);
/** Values that only threads of one process can share. */
const SHARED = /SharedArrayBuffer|WebAssembly.Module/;
const WHY = /which a process cannot share|another process/;

for (const isolation of ["thread", "process"] as const) {
  const isShared = (name: string) =>
    isolation === "process" && SHARED.test(name);

  poolTest(
    `execute() clones as structuredClone() does (${isolation})`,
    async () => {
      await using pool = new ThreadPool<typeof values>({
        module,
        size: 1,
        isolation,
      });
      let shared = 0;
      for (const [name, make] of Object.entries(CLONED)) {
        if (isShared(name)) {
          shared++;
          const calls = [
            () => pool.execute("seen", [make()]),
            () => pool.execute("made", [name]),
          ];
          for (const call of calls) {
            assertMatch(
              (await assertRejects(call, JobCloneError)).message,
              WHY,
            );
          }
          continue;
        }
        const expected = JSON.stringify(describe(structuredClone(make())));
        assertEquals(await pool.execute("seen", [make()]), expected, name);
        const result = await pool.execute("made", [name]);
        assertEquals(JSON.stringify(describe(result)), expected, name);
      }
      assertEquals(shared, isolation === "process" ? 3 : 0);

      for (const [name, make] of Object.entries(REFUSED)) {
        assertThrows(() => structuredClone(make()));
        const refused = () => pool.execute("seen", [make()]);
        await assertRejects(refused, JobCloneError, undefined, name);
        // A returned promise is awaited.
        if (name.includes("promise")) continue;
        const given = () => pool.execute("made", [name]);
        await assertRejects(given, JobCloneError, undefined, name);
      }
      assertEquals(pool.stats().crashed, 0);
    },
  );
}
