// Fake time: it decides nothing where a pool has workers, which it does not reach.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { JobTimeoutError } from "@spindle/thread-pool";
import { KIND_NAMES, makePool, reasonOf } from "./kinds.ts";
import { poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";

/** A test whose own limit is one of real time. */
function test(name: string, fn: () => Promise<void>): void {
  poolTest(name, () => Promise.resolve().then(fn));
}

for (const kind of KIND_NAMES) {
  test(`a pool has no timer in fake time, and ends jobs after it: ${kind}`, async () => {
    await using pool = makePool({}, kind);
    const hang = () => {
      const options = { timeout: 50 };
      return reasonOf(pool.execute(() => new Promise(() => {}), [], options));
    };
    {
      using time = new FakeTime();
      // Its worker is stopped, and the next one starts.
      const error = hang();
      assertEquals(await time.nextAsync(), false);
      assertInstanceOf(await error, JobTimeoutError);
      assertEquals(await pool.execute("echo", [1]), 1);
      assertEquals(await time.nextAsync(), false);
    }
    assertInstanceOf(await hang(), JobTimeoutError);
  });
}

test("a pool that is loaded in fake time follows the real one", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/fake_time.ts",
    "-A",
  );
  assertEquals([code, stdout], [0, "JobTimeoutError\n"], stderr);
});
