// Workers start on demand, one at a time, and never more than `size`. A module that
// never starts stops only its own pool.
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool, WorkerStartError } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { KIND_NAMES, KINDS, makePool, numbersTo, reasonOf } from "./kinds.ts";
import { countWorkers, liveWorkers, poolTest as test } from "./live_workers.ts";

const moduleOf = (source: string) =>
  `data:text/javascript,${encodeURIComponent(source)}`;
const WAIT = "await new Promise(() => {})";

/** Modules that never start. */
const BAD_MODULES: Record<string, string> = {
  "does not exist": import.meta.resolve("./no_such_module.ts"),
  "does not parse": moduleOf("export function ("),
  "throws at the top": moduleOf("throw new RangeError('wrong at the top')"),
  "throws no error at the top": moduleOf("throw undefined"),
  "rejects at the top": moduleOf("await Promise.reject(new Error('rejected'))"),
  "imports what does not exist": moduleOf("import './no_such_module.ts'"),
  "imports a name that is not exported": moduleOf(
    "import { bogus } from 'node:path'",
  ),
  "calls self.close() at the top": moduleOf("self.close()"),
  "calls self.close() and waits": moduleOf(`self.close(); ${WAIT}`),
  "calls Deno.exit() at the top": moduleOf("Deno.exit()"),
  "calls Deno.exit(3) at the top": moduleOf("Deno.exit(3)"),
  "leaves a rejection": moduleOf(`Promise.reject(new Error('left')); ${WAIT}`),
  "throws in a timer while it starts": moduleOf(
    `setTimeout(() => { throw new Error('timer') }); ${WAIT}`,
  ),
};

for (const [what, module] of Object.entries(BAD_MODULES)) {
  test(`a module that ${what} rejects all jobs with WorkerStartError, and close() resolves`, async () => {
    await using pool = new ThreadPool({
      module,
      size: 3,
      queue: { capacity: 0 },
    });
    const jobs = numbersTo(20).map((i) =>
      reasonOf(i % 2 ? pool.execute("job", [i]) : pool.execute(() => 1))
    );
    const waiting = [reasonOf(pool.ready()), ...jobs];
    await pool.drain();
    waiting.push(reasonOf(pool.execute("job")), reasonOf(pool.ready()));
    for (const reason of await Promise.all(waiting)) {
      assertInstanceOf(reason, WorkerStartError);
      assertStringIncludes(reason.message, module);
    }
  });
}

test("WorkerStartError has the module's error as its cause, and the start is not retried", async () => {
  const module = BAD_MODULES["throws at the top"];
  await using pool = new ThreadPool({ module, size: 2 });
  let errors = 0;
  pool.addEventListener("workererror", () => errors++);
  for (let i = 0; i < 2; i++) {
    const job = () => pool.execute("job");
    const error = await assertRejects(
      job,
      WorkerStartError,
      "wrong at the top",
    );
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "wrong at the top");
  }
  const { size, queued, running } = pool.stats();
  assertEquals([errors, size, queued, running], [1, 0, 0, 0]);
});

test("close() resolves during a start that fails", async () => {
  const module = BAD_MODULES["calls Deno.exit() at the top"];
  await using pool = new ThreadPool({ module, size: 1 });
  const job = assertRejects(() => pool.execute("job"), WorkerStartError);
  await Promise.all([job, pool.close()]);
});

test("terminate() ends a module that waits forever at its top level", async () => {
  const pool = new ThreadPool({ module: moduleOf(WAIT), size: 1 });
  const job = reasonOf(pool.execute("job"));
  await Promise.all([job, pool.terminate()]);
});

test("a module can start slowly and listen to messages", async () => {
  const module = moduleOf(`
    self.onmessage = () => {};
    self.onerror = () => {};
    addEventListener("message", (event) => event.preventDefault());
    await new Promise((resolve) => setTimeout(resolve, 50));
    export const job = (i) => i;`);
  await using pool = new ThreadPool({ module, size: 2 });
  const results = numbersTo(50).map((i) => pool.execute("job", [i]));
  assertEquals(await Promise.all(results), numbersTo(50));
});

/** Counts the workers that are created, and the most in one turn of the event loop. */
function watchCreation() {
  const RealWorker = globalThis.Worker;
  const counts = { made: 0, mostInATurn: 0 };
  let inThisTurn = 0;
  globalThis.Worker = class extends RealWorker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      counts.made++;
      counts.mostInATurn = Math.max(counts.mostInATurn, ++inThisTurn);
      // Timers run in the next turn.
      setTimeout(() => inThisTurn = 0);
    }
  };
  return Object.assign(counts, {
    [Symbol.dispose]: () => void (globalThis.Worker = RealWorker),
  });
}

test("size: no worker starts before the first job", async () => {
  const before = await liveWorkers();
  const module = BAD_MODULES["does not exist"];
  for (
    await using pool of [makePool({ size: 4 }), new ThreadPool({ module })]
  ) {
    await pool.ready();
    await pool.drain();
    await new Promise((done) => setTimeout(done, 20));
    assertEquals([await liveWorkers(), pool.stats().size], [before, 0]);
  }
});

test("size: sequential jobs use one worker, and concurrent jobs use one worker each", async () => {
  await using pool = makePool({ size: 4 });
  using made = watchCreation();
  for (let i = 0; i < 200; i++) await pool.execute("echo", [i]);
  assertEquals([made.made, await countWorkers()], [1, 1]);
  for (let round = 0; round < 3; round++) {
    using gate = new Gate();
    const held = [1, 2].map(() => pool.execute("passGate", [gate.key]));
    await gate.arrived(2);
    gate.open();
    await Promise.all(held);
  }
  // On a busy machine, a worker may take 250 ms to start its job, so another one starts.
  assert(made.made === 2 || made.made === 3, `${made.made}`);
  assertEquals(pool.stats().size, made.made);
  const burn = async () => {
    await pool.execute("burnFor", [0.2]);
    return await pool.execute("workerId");
  };
  const ids = await Promise.all(numbersTo(400).map(burn));
  assertGreater(new Set(ids).size, 1);
});

test("size: many jobs use exactly size workers, one created per turn of the event loop", async () => {
  await using pool = makePool({ size: 4 });
  using made = watchCreation();
  using gate = new Gate();
  const held = numbersTo(20).map(() => pool.execute("passGate", [gate.key]));
  assertLessOrEqual(made.made, 1);
  await gate.arrived(4);
  assertEquals([made.made, await countWorkers()], [4, 4]);
  const dying = numbersTo(4).map(() => reasonOf(pool.execute("closeSelf")));
  const others = numbersTo(8).map((i) => pool.execute("echo", [i]));
  gate.open();
  await Promise.all(held);
  assertEquals(gate.count, 20);
  // Replacements of dead workers are also created one per turn.
  await Promise.all([...dying, ...others]);
  assertEquals(made.mostInATurn, 1);
});

for (
  const [what, line] of [
    ["hides Deno", "delete globalThis.Deno"],
    ["freezes Deno", "Object.freeze(Deno)"],
    ["freezes the global scope", "Object.freeze(globalThis)"],
  ]
) {
  test(`a module that ${what} runs jobs, and their errors arrive`, async () => {
    const module = moduleOf(`${line};
      export const echo = (value) => value;
      export const fails = () => { throw new RangeError("no"); };`);
    await using pool = new ThreadPool({ module, size: 1 });
    assertEquals(
      await pool.execute("echo", [new Map([[1, 2]])]),
      new Map([[1, 2]]),
    );
    assertInstanceOf(await reasonOf(pool.execute("fails")), RangeError);
  });
}

/** Returns a module with jobs and a pool of itself. */
const ofItself = (source: string) =>
  moduleOf(`
    import { ThreadPool } from "${import.meta.resolve("../mod.ts")}";
    const pool = new ThreadPool({ module: import.meta.url, size: 1 });
    export const give = () => 42;
    export const giveByPool = () => pool.execute("give");
    ${source}`);

for (const kind of KIND_NAMES) {
  test(`a module that uses a pool of itself while it loads is refused, and no further worker starts (${kind})`, async () => {
    const module = ofItself(`await pool.execute("give");`);
    await using pool = new ThreadPool({ module, size: 1, ...KINDS[kind] });
    const { message } = await assertRejects(
      () => pool.execute("give"),
      WorkerStartError,
      "this module uses a pool of itself while it loads",
    );
    assertEquals(message.split("could not start").length, 2, message);
  });

  test(`a module can create a pool of itself, and use it in a job (${kind})`, async () => {
    const module = ofItself("");
    await using pool = new ThreadPool({ module, size: 1, ...KINDS[kind] });
    assertEquals(await pool.execute("giveByPool"), 42);
  });
}
