// Tests that a job that misbehaves harms neither the main thread, nor other workers,
// nor results that have arrived, and that nothing hangs. `deno task test:long
// hostile` tries everything that a job could replace.
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ThreadPool, WorkerCrashedError } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/hostile.ts";
import { Gate } from "./gate.ts";
import { wrongAround } from "./hostile.ts";
import { nextEvent } from "./kinds.ts";
import { eachRow, poolOf, test } from "./pools.ts";

const hostilePool = (options = {}) => poolOf<typeof jobs>("hostile", options);

type Misdeed = (pool: ReturnType<typeof hostilePool>) => Promise<unknown>;

/** Ways in which jobs misbehave. */
const MISDEEDS: Record<string, Misdeed> = {
  "posts messages like the pool's": (pool) => pool.execute("postForgeries"),
  "posts the one message that needs no key": (pool) =>
    pool.execute("postWakes"),
  "posts a port": (pool) => pool.execute("postPorts"),
  "dispatches messages like main's": (pool) =>
    pool.execute("dispatchForgeries"),
  "listens to main's messages": (pool) => pool.execute("eavesdrop"),
  "deletes all globals": (pool) => pool.execute("destroyGlobals"),
  "gives all objects properties": (pool) => pool.execute("polluteObjects"),
  "closes the ports of its thread": (pool) => pool.execute("closePorts"),
  "gives what changes as it is read": (pool) => pool.execute("giveShifty"),
  "leaves a timer that burns": (pool) => pool.execute("leave", ["burn"]),
  "leaves a timer that throws": (pool) => pool.execute("leave", ["throw"]),
  "leaves a rejection": (pool) => pool.execute("leave", ["reject"]),
  "leaves a Deno.exit()": (pool) => pool.execute("leave", ["exit"]),
  "leaves a self.close()": (pool) => pool.execute("leave", ["close"]),
  "destroys arrays": (pool) =>
    pool.execute("destroy", ["Array", "Array.prototype"]),
  "destroys maps": (pool) =>
    pool.execute("destroy", ["Map.prototype", "Set.prototype"]),
  "destroys promises": (pool) =>
    pool.execute("destroy", ["Promise", "Promise.prototype"]),
  "destroys namespaces": (pool) =>
    pool.execute("destroy", [
      "JSON",
      "Math",
      "Atomics",
      "Reflect",
      "performance",
    ]),
  "destroys Object": (pool) => pool.execute("destroy", ["Object"]),
  "destroys messages": (pool) =>
    pool.execute("destroy", ["MessagePort.prototype", "EventTarget.prototype"]),
};

for (const [name, misdeed] of Object.entries(MISDEEDS)) {
  test(`a job that ${name} does not harm other jobs`, async () => {
    await using pool = hostilePool({ size: 2 });
    using gate = new Gate();
    const other = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    assertEquals(await wrongAround(pool, misdeed), []);
    gate.open();
    await other;
  });
}

const OTHERS = {
  concurrency: { concurrency: 4 },
  hardKill: { hardKill: true },
};
for (const [kind, options] of Object.entries(OTHERS)) {
  test(`a job that forges, destroys or closes does not harm other jobs (${kind})`, async () => {
    const chosen = Object.entries(MISDEEDS).filter(([name]) =>
      /like|listens|ports|arrays|destroys messages/.test(name)
    );
    await eachRow(Object.fromEntries(chosen), async (misdeed) => {
      await using pool = hostilePool(options);
      assertEquals(await wrongAround(pool, misdeed), []);
    });
  });
}

/** What the pool's own code in a worker depends on. */
const TARGETS = [
  "globalThis|postMessage",
  "globalThis|Promise",
  "globalThis|structuredClone",
  "globalThis|queueMicrotask",
  "MessagePort.prototype|postMessage",
  "MessageEvent.prototype|data",
  "Promise.prototype|then",
  "Reflect|apply",
  "Atomics|store",
  "Atomics|notify",
  "JSON|stringify",
  "Array.prototype|push",
  "Map.prototype|get",
  "String.prototype|charCodeAt",
  "performance|now",
];

for (const way of ["throws", "garbage"] as const) {
  test(`a job that replaces a built-in does not harm other jobs (${way})`, async () => {
    const wrong: Record<string, string[]> = {};
    for (const target of TARGETS) {
      await using pool = hostilePool();
      const misdeed = () => pool.execute("sabotage", [target, way]);
      const lines = await wrongAround(pool, misdeed);
      if (lines.length > 0) wrong[target] = lines;
    }
    assertEquals(wrong, {});
  });
}

test("jobs among many that misbehave resolve, or reject with WorkerCrashedError", async () => {
  await using pool = hostilePool({ size: 2 });
  const jobs = Object.values(MISDEEDS).map((misdeed) => {
    misdeed(pool).catch(() => {});
    return pool.execute("number");
  });
  for (const result of await Promise.allSettled(jobs)) {
    if (result.status === "fulfilled") assertEquals(result.value, 42);
    else assertInstanceOf(result.reason, WorkerCrashedError);
  }
});

test("workererror reports a forged message, and the worker continues", async () => {
  for (const name of ["postForgeries", "dispatchForgeries"] as const) {
    await using pool = hostilePool();
    const told = nextEvent(pool, "workererror");
    await pool.execute(name);
    const { detail } = await told;
    assertEquals(detail.workerId, 1);
    assertInstanceOf(detail.error, Error);
    assertEquals(await pool.execute("number"), 42);
    assertEquals(pool.stats().crashed, 0);
  }
});

test("a job cannot listen to the main thread's messages, with or without hardKill", async () => {
  for (const hardKill of [false, true]) {
    await using pool = hostilePool({ hardKill });
    await pool.execute("eavesdrop");
    await pool.execute("echo", ["secret"]);
    assertEquals(await pool.execute("hasHeard"), 0);
  }
});

test("maxJobsPerWorker: 1 isolates jobs from each other", async () => {
  await using pool = hostilePool({ maxJobsPerWorker: 1 });
  const map = await pool.execute("aMap");
  for (const name of ["deletes all globals", "gives all objects properties"]) {
    await MISDEEDS[name](pool);
    assertEquals(await pool.execute("aMap"), map);
  }
  assertEquals(pool.stats().crashed, 0);
});

test("a job cannot keep its thread alive by replacing what ends it", async () => {
  await using pool = hostilePool();
  await assertRejects(() => pool.execute("stay"), WorkerCrashedError);
  assertEquals(await pool.execute("number"), 42);
});

test("streams end in a worker whose first job replaced nextTick() and queueMicrotask()", async () => {
  await using pool = new ThreadPool(1);
  await pool.execute(() => {
    const replaced = globalThis as unknown as {
      process: { nextTick(): void };
      queueMicrotask(): void;
    };
    replaced.process.nextTick = () => {};
    replaced.queueMicrotask = () => {};
  });
  const stream = await pool.execute(() => new Blob(["abc"]).stream());
  assertEquals(await new Response(stream).text(), "abc");
});
