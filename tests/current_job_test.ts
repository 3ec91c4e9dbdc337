// What a handler learns of its job.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import { transfer as transferOfCopy } from "../src/values/transfer.ts?copy=3";
import type * as jobs from "./fixtures/current_job.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/current_job.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

poolTest(
  "currentJob() gives id, name, worker, signal and deadline",
  async () => {
    await using pool = makePool();
    const common = { workerId: 1, aborted: false, deadline: undefined };
    assertEquals(await pool.execute("now"), { id: 1, name: "now", ...common });
    assertEquals(await pool.execute("now"), { id: 2, name: "now", ...common });
    await assertRejects(() => pool.execute("failNow"), Error, "3");
  },
);

poolTest("currentJob() is the same after an await", async () => {
  await using pool = makePool();
  const [job, isSame] = await pool.execute("afterAwait");
  assertEquals([job?.id, isSame], [1, true]);
});

poolTest(
  "currentJob() tells workers and jobs apart that run at once",
  async () => {
    await using pool = makePool(3);
    using gate = new Gate();
    const running = [gate.key, gate.key, gate.key].map((key) =>
      pool.execute("afterGate", [key])
    );
    await gate.arrived(3);
    gate.open();
    const shown = await Promise.all(running);
    assertEquals(shown.map((job) => job?.id), [1, 2, 3]);
    assertEquals(shown.map((job) => job?.workerId).sort(), [1, 2, 3]);
  },
);

poolTest("currentJob() of many jobs in a list is each one's own", async () => {
  await using pool = makePool();
  const shown = await Promise.all(
    Array.from({ length: 500 }, () => pool.execute("now")),
  );
  assertEquals(
    shown.map((job) => job?.id),
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
});

poolTest("currentJob() is undefined outside of a job", async () => {
  assertEquals(currentJob(), undefined);
  await using pool = makePool();
  assertEquals(await pool.execute("atTopLevel"), undefined);
  await pool.execute("askLater");
  let answer: unknown;
  while ((answer = await pool.execute("askedOutside")) === "not asked");
  assertEquals(answer, undefined);
});

poolTest(
  "an inline job goes by its function's name, or by inline",
  async () => {
    await using pool = new ThreadPool(1);
    const named = await pool.execute(function work() {
      return currentJob()?.name;
    });
    const arrow = () => currentJob()?.name;
    assertEquals(named, "work");
    assertEquals(await pool.execute(arrow), "arrow");
    assertEquals(await pool.execute(() => `${currentJob()?.name}`), "inline");
  },
);

poolTest("two inline functions of one source keep their names", async () => {
  await using pool = new ThreadPool(1);
  const first = () => currentJob()?.name;
  const second = () => currentJob()?.name;
  assertEquals(await pool.execute(first), "first");
  assertEquals(await pool.execute(second), "second");
});

poolTest("two copies of the package share currentJob()", async () => {
  await using pool = makePool();
  assert(await pool.execute("sameInCopy"));
});

poolTest(
  "two copies of the package share the marks of transfer()",
  async () => {
    await using pool = makePool();
    assertEquals((await pool.execute("moveByCopy")).byteLength, 8);
    assertEquals(await pool.execute("isDetached"), true);

    const buffer = new ArrayBuffer(4);
    await using inline = new ThreadPool(1);
    await inline.execute((_: ArrayBuffer) => {}, [transferOfCopy(buffer)]);
    assert(buffer.detached);
  },
);
