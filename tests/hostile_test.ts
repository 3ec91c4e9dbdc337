// A job that misbehaves harms neither main, nor other workers, nor a result that
// is there already; those after it come right, or hear that their worker crashed.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/hostile.ts";
import { Gate } from "./gate.ts";
import { checkAround, checkTarget, findTargets } from "./hostile_sweep.ts";
import { nameOf } from "./hostile_targets.ts";
import { eventually, poolTest } from "./live_workers.ts";

type Options = Partial<ThreadPoolOptions>;

function makePool(options: Options = {}): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({
    module: new URL("./fixtures/hostile.ts", import.meta.url),
    size: 1,
    ...options,
  });
}

/** Jobs without arguments that misbehave, and what each does. */
const HOSTILE = {
  postForgeries: "posts messages like the pool's",
  postWakes: "posts the one message that needs no key",
  postPorts: "posts a port",
  dispatchForgeries: "dispatches messages like main's",
  eavesdrop: "listens to main's messages",
  destroyArrays: "destroys the methods of arrays",
  destroyMaps: "destroys the methods of maps and sets",
  destroyPromises: "destroys the methods of promises",
  destroyNamespaces: "destroys JSON, Math, Atomics, Reflect and performance",
  destroyObjects: "destroys the functions of Object",
  destroyMessages: "destroys what messages need",
  destroyGlobals: "deletes all globals",
  polluteObjects: "gives all objects properties",
  leaveBurning: "leaves a timer that burns",
  leaveThrowing: "leaves a timer that throws",
  leaveRejecting: "leaves a rejection",
  leaveExiting: "leaves a Deno.exit()",
  leaveClosing: "leaves a self.close()",
  closePorts: "closes the ports of its thread",
} as const;

type Hostile = keyof typeof HOSTILE;
const NAMES = Object.keys(HOSTILE) as Hostile[];
const DONE = { done: true };
const OBJECT = { a: [1, "text", null], b: { c: true } };
const MAP = new Map<unknown, unknown>([[1, "one"], ["two", [2]]]);

/** Checks that a job beside a hostile one is unharmed, and so are those around it. */
async function checkBeside(
  pool: ThreadPool<typeof jobs>,
  hostile: () => Promise<unknown>,
): Promise<void> {
  using gate = new Gate();
  const other = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const { wrong } = await checkAround(pool, hostile, DONE);
  assertEquals(wrong, []);
  gate.open();
  await other;
}

for (const name of NAMES) {
  poolTest(`a job that ${HOSTILE[name]} harms no other`, async () => {
    await using pool = makePool({ size: 2 });
    await checkBeside(pool, () => pool.execute(name));
  });
}

for (
  const [what, options] of [
    ["with several at once", { concurrency: 4 }],
    ["in threads that can be killed", { hardKill: true }],
  ] as [string, Options][]
) {
  for (
    const name of [
      "postForgeries",
      "dispatchForgeries",
      "eavesdrop",
      "destroyArrays",
      "destroyMessages",
      "closePorts",
    ] as const
  ) {
    poolTest(
      `a job that ${HOSTILE[name]} harms no other, ${what}`,
      async () => {
        await using pool = makePool(options);
        const { wrong } = await checkAround(
          pool,
          () => pool.execute(name),
          DONE,
        );
        assertEquals(wrong, []);
      },
    );
  }
}

poolTest("a forged message is told of as a workererror", async () => {
  for (const name of ["postForgeries", "dispatchForgeries"] as const) {
    await using pool = makePool();
    const errors: unknown[] = [];
    pool.addEventListener("workererror", ({ detail }) => {
      assertEquals(detail.workerId, 1);
      errors.push(detail.error);
    });
    assertEquals(await pool.execute(name), DONE);
    await eventually(() => errors.length > 10, () => "Expected errors");
    assertInstanceOf(errors[0], Error);
    assertEquals(await pool.execute("number"), 42);
    assertEquals(pool.stats().crashed, 0);
  }
});

poolTest("a job hears nothing of what main says", async () => {
  for (const options of [{}, { hardKill: true }]) {
    await using pool = makePool(options);
    await pool.execute("eavesdrop");
    await pool.execute("echo", ["secret"]);
    assertEquals(await pool.execute("hasHeard"), 0);
  }
});

poolTest("maxJobsPerWorker: 1 isolates jobs from each other", async () => {
  await using pool = makePool({ maxJobsPerWorker: 1 });
  for (
    const name of ["destroyArrays", "destroyGlobals", "polluteObjects"] as const
  ) {
    assertEquals(await pool.execute(name), DONE);
    assertEquals(await pool.execute("aMap"), MAP);
  }
  assertEquals(pool.stats().crashed, 0);
});

poolTest(
  "a job that makes promises of all objects harms no other",
  async () => {
    await using pool = makePool();
    assertEquals(await pool.execute("number"), 42);
    assertEquals(await pool.execute("promiseObjects"), DONE);
    assertEquals(await pool.execute("object"), OBJECT);
    assertEquals(await pool.execute("aDate"), new Date(86_400_000));
    assertEquals(await pool.execute("later", ["x"]), "x");
  },
);

poolTest("a result that changes as it is read harms no other", async () => {
  await using pool = makePool();
  await Promise.allSettled([pool.execute("giveShifty")]);
  assertEquals(await pool.execute("object"), OBJECT);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("an error that throws at whoever looks is an error", async () => {
  await using pool = makePool();
  const thrown = await pool.execute("throwTrap").then(() => "none", (e) => e);
  assertEquals(thrown, "a object without a text");
  assertEquals(await pool.execute("number"), 42);
});

poolTest("jobs behind timers that burn all end", async () => {
  await using pool = makePool({ size: 2 });
  const results = await Promise.all(
    Array.from(
      { length: 40 },
      (_, i): Promise<unknown> =>
        i % 20 === 0 ? pool.execute("leaveBurning") : pool.execute("number"),
    ),
  );
  assertEquals(results.filter((result) => result === 42).length, 38);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("hostile jobs that end their worker do so in their turn", async () => {
  await using pool = makePool({ size: 2 });
  const results = await Promise.allSettled(
    NAMES.flatMap((name): Promise<unknown>[] => [
      pool.execute(name),
      pool.execute("number"),
    ]),
  );
  for (const [i, result] of results.entries()) {
    // A hostile job may be missing what another one has destroyed.
    if (i % 2 === 0) continue;
    if (result.status === "fulfilled") assertEquals(result.value, 42);
    else assertInstanceOf(result.reason, WorkerCrashedError);
  }
});

poolTest("a worker that falls silent is replaced", async () => {
  await using pool = makePool();
  assertEquals(await pool.execute("destroyMessages"), DONE);
  for (let i = 0; i < 3; i++) {
    const result = await pool.execute("number").catch((error) => error);
    assert(result === 42 || result instanceof WorkerCrashedError);
  }
  assertEquals(await pool.execute("number"), 42);
});

/** How many replacements the suite tries, of those that the sweep knows. */
const SAMPLE = 60;
/** What breaks the runtime's own `structuredClone`. */
const BREAKS_RUNTIME = [
  "%ArrayIterator%.prototype.next",
  "Array.prototype[Symbol.iterator]",
];

poolTest("a sample of all that a job can replace harms no other", async () => {
  const targets = (await findTargets()).filter((target) =>
    !BREAKS_RUNTIME.includes(nameOf(target))
  );
  const step = Math.ceil(targets.length / SAMPLE);
  const first = Math.floor(Math.random() * step);
  for (let i = first; i < targets.length; i += step) {
    const way = i % 2 === 0 ? "throws" : "garbage";
    const { wrong } = await checkTarget(targets[i], way);
    assertEquals(wrong, [], `${nameOf(targets[i])} ${way}`);
  }
});

poolTest(
  "Deno.exit and self.close overwritten do not keep a worker",
  async () => {
    await using pool = makePool();
    await assertRejects(
      () =>
        pool.execute(() => {
          const { exit } = Deno;
          Deno.exit = (() => {}) as typeof Deno.exit;
          self.close = () => {};
          setTimeout(() => exit(0));
          return new Promise(() => {});
        }),
      WorkerCrashedError,
    );
  },
);
