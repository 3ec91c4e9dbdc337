// Tests of fake time, which does not reach workers and so does not affect their pool.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { JobTimeoutError } from "@spindle/thread-pool";
import { KIND_NAMES, makePool, reasonOf } from "./kinds.ts";
import { poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";

/** Declares a test whose own time limit is in real time. */
function test(name: string, fn: () => Promise<void>): void {
  poolTest(name, () => Promise.resolve().then(fn));
}

for (const kind of KIND_NAMES) {
  test(`a pool has no timers in fake time, and times out jobs in and after it: ${kind}`, async () => {
    await using pool = makePool({}, kind);
    const hang = () => {
      const options = { timeout: 50 };
      return reasonOf(pool.execute(() => new Promise(() => {}), [], options));
    };
    {
      using time = new FakeTime();
      // The job's worker is stopped, and the next worker starts.
      const error = hang();
      assertEquals(await time.nextAsync(), false);
      assertInstanceOf(await error, JobTimeoutError);
      assertEquals(await pool.execute("echo", [1]), 1);
      assertEquals(await time.nextAsync(), false);
    }
    assertInstanceOf(await hang(), JobTimeoutError);
  });
}

test("a pool that is loaded in fake time uses real time", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/fake_time.ts",
    "-A",
  );
  assertEquals([code, stdout], [0, "JobTimeoutError\n"], stderr);
});
