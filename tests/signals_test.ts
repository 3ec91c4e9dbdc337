// Signals among the arguments of jobs fire when the caller's signals fire.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/web_values.ts";
import { Gate } from "./gate.ts";
import { countedSignal } from "./kinds.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/web_values.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

poolTest("a signal fires in the job with its reason", async () => {
  await using pool = makePool();
  const reasons: [unknown, string][] = [
    [new RangeError("stop"), "RangeError RangeError: stop"],
    ["enough", '"enough"'],
    [undefined, "DOMException AbortError: The signal has been aborted"],
  ];
  for (const [reason, arrives] of reasons) {
    using gate = new Gate();
    const controller = new AbortController();
    const result = pool.execute("whyAborted", [controller.signal, gate.key]);
    await gate.arrived();
    controller.abort(reason);
    assertEquals(await result, arrives);
  }
});

poolTest(
  "a signal that has fired before the job starts is aborted in the job",
  async () => {
    await using pool = makePool();
    const signal = AbortSignal.abort(new RangeError("early"));
    const arrives = [true, "RangeError RangeError: early"];
    assertEquals(await pool.execute("isAborted", [signal]), arrives);
    const quiet = new AbortController();
    assertEquals(await pool.execute("isAborted", [quiet.signal]), [
      false,
      "undefined",
    ]);
  },
);

poolTest("a signal that aborts while its job waits fires", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const first = new AbortController();
  const held = pool.execute("whyAborted", [first.signal, gate.key]);
  await gate.arrived();
  const second = new AbortController();
  const result = pool.execute("isAborted", [second.signal]);
  second.abort("late");
  first.abort("early");
  assertEquals(await held, '"early"');
  assertEquals(await result, [true, '"late"']);
});

poolTest("AbortSignal.timeout() fires in the job", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const signal = AbortSignal.timeout(20);
  const why = await pool.execute("whyAborted", [signal, gate.key]);
  assertStringIncludes(why, "DOMException TimeoutError: ");
});

poolTest("one signal fires in several jobs", async () => {
  await using pool = makePool(2);
  using gate = new Gate();
  const { signal, abort } = abortable();
  const results = [1, 2].map(() =>
    pool.execute("whyAborted", [signal, gate.key])
  );
  await gate.arrived(2);
  abort("both");
  assertEquals(await Promise.all(results), ['"both"', '"both"']);
});

function abortable(): {
  signal: AbortSignal;
  abort: (reason: unknown) => void;
} {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
  };
}

poolTest(
  "a signal has one listener, which is removed when its jobs have ended",
  async () => {
    await using pool = makePool();
    const { signal, listeners } = countedSignal();
    const results = Array.from(
      { length: 5 },
      () => pool.execute("isAborted", [signal]),
    );
    assertEquals(listeners.size, 1);
    await Promise.all(results);
    assertEquals(listeners.size, 0);
  },
);
