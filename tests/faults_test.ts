// Tests of faults in jobs, for each kind of worker: what the job rejects with, and
// what happens to its worker, to a job alongside and to waiting jobs.
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import {
  type ExecuteOptions,
  JobTimeoutError,
  MemoryLimitError,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/jobs.ts";
import { Gate } from "./gate.ts";
import {
  countLive,
  hold,
  type JobPool,
  type Kind,
  KIND_NAMES,
  makePool,
  numbersTo,
  reasonOf,
} from "./kinds.ts";
import { eventually, poolTest as test } from "./live_workers.ts";

const TIMEOUT = 50;

/** What happens to the worker; a thread that nothing can stop is left alone. */
type Fate = "lives on" | "is replaced" | "is left alone";

interface Fault {
  job: keyof typeof jobs;
  /** Argument of the job, if it is not a gate. */
  argument?: number;
  /** Whether the caller aborts the job once it is at its gate. */
  isAborted?: boolean;
  options?: ExecuteOptions;
  /** Class of the error that the job rejects with. */
  Class: abstract new (...args: never[]) => Error;
  says?: RegExp;
  /** Pattern of the error's cause. */
  cause?: RegExp;
  /** Fates by kind of worker; kinds without a fate are skipped. */
  fate: Partial<Record<Kind, Fate>>;
}

const inAll = (fate: Fate) => ({
  "thread": fate,
  "killable thread": fate,
  "process": fate,
});
/** Fates where a guard inside the worker stops the job, or else a kill does. */
const GUARDED = { ...inAll("lives on"), "killable thread": "is replaced" };
const KILLED = { ...inAll("is replaced"), thread: "is left alone" };

function crash(
  job: keyof typeof jobs,
  cause: RegExp,
  argument?: number,
): Fault {
  const says = new RegExp(`"${job}"`);
  const fate = inAll("is replaced");
  return { job, argument, Class: WorkerCrashedError, says, cause, fate };
}

function overrun(job: keyof typeof jobs, fate: object): Fault {
  const says = new RegExp(
    `^Job "${job}" executed for longer than its timeout of ${TIMEOUT} ms$`,
  );
  const options = { timeout: TIMEOUT };
  return { job, options, Class: JobTimeoutError, says, fate };
}

function aborted(job: keyof typeof jobs, fate: object): Fault {
  return { job, isAborted: true, Class: SyntaxError, says: /no longer/, fate };
}

function greedy(job: keyof typeof jobs, kinds: Kind[]): Fault {
  const says = new RegExp(`"${job}"`);
  const fate = Object.fromEntries(kinds.map((kind) => [kind, "is replaced"]));
  return { job, Class: MemoryLimitError, says, fate };
}

const FAULTS: Record<string, Fault> = {
  "self.close()": crash("closeSelf", /self\.close\(\)|ended/),
  "Deno.exit()": crash("exit", /Deno\.exit\(\)|ended|code 3/, 3),
  "an unhandled rejection": crash("rejectUnhandled", /nobody caught this/),
  "an unhandled rejection of nothing": crash("rejectWithNothing", /undefined/),
  "a timer that throws": crash("throwInTimer", /thrown in a timer/),
  "reportError()": crash("reportAnError", /reported/),
  "a full stack": {
    job: "overflow",
    Class: RangeError,
    fate: inAll("lives on"),
  },
  "a loop": overrun("loop", GUARDED),
  "an endless search": overrun("backtrack", GUARDED),
  "Atomics.wait()": overrun("block", GUARDED),
  "a loop after an await": overrun("burnAfterAwait", KILLED),
  "a loop in a timer": overrun("burnInTimer", KILLED),
  "awaits without a pause": overrun("spin", KILLED),
  "an endless promise": overrun("never", inAll("is replaced")),
  "a loop that is aborted": aborted("burn", KILLED),
  "a loop after an await that is aborted": aborted("burnAfterAwait", KILLED),
  "an endless promise, aborted": aborted("never", inAll("is replaced")),
  "a growing heap": greedy("takeHeap", ["killable thread", "process"]),
  "a growing heap after an await": //
    greedy("takeHeapAfterAwait", ["killable thread"]),
  "a growing heap in a timer": //
    greedy("takeHeapInTimer", ["killable thread"]),
  "a string far beyond the limit": greedy("takeStrings", ["process"]),
  "growing buffers": greedy(
    "takeBuffers",
    Deno.build.os === "linux" ? ["process"] : [],
  ),
};

for (const kind of KIND_NAMES) {
  for (const fate of ["lives on", "is replaced"] as const) {
    test(`execute() rejects a job whose worker ${fate}, and does not affect other jobs (${kind})`, async (context) => {
      await using pool = makePool({
        size: 2,
        abortGrace: fate === "lives on" ? 10_000 : 0,
        memoryLimit: kind === "thread" ? undefined : 32,
      }, kind);
      using beside = await hold(pool);
      for (const [name, fault] of Object.entries(FAULTS)) {
        if (fault.fate[kind] !== fate) continue;
        using gate = new Gate();
        const check = () => checkFault(kind, pool, fault, gate);
        await context.step(name, check);
      }
      assertEquals([pool.stats().running, pool.stats().lost], [1, 0]);
      await liveIs(kind, 2);
      beside.open();
      await beside.job;
    });
  }
}

// A pool takes a while to detect a thread that goes on, so all are tried at once.
test("execute() rejects a job whose thread goes on, and does not affect other jobs", async () => {
  using gates = new DisposableStack();
  const faults = Object.entries(FAULTS)
    .filter(([_, { fate }]) => fate.thread === "is left alone");
  await Promise.all(faults.map(async ([name, fault]) => {
    await using pool = makePool({ size: 2, abortGrace: 0 });
    using beside = await hold(pool);
    const gate = gates.use(new Gate());
    await checkFault("thread", pool, fault, gate).catch((error) => {
      throw new Error(name, { cause: error });
    });
    await eventually(
      () => pool.stats().lost === 1,
      () => `${name}: expected a lost worker, got ${pool.stats().lost}`,
    );
    beside.open();
    await beside.job;
  }));
  // Their pools have ended and left these threads alone.
  await liveIs("thread", faults.length);
});

test("memoryLimit does not affect jobs that stay below it, and implies hardKill", async () => {
  await using pool = makePool({ memoryLimit: 64, abortGrace: 0 });
  const before = await pool.execute("keep", [16]);
  const length = 64 * 1024 * 1024; // outside of the heap
  assertEquals((await pool.execute("bytes", [length])).length, length);
  assertEquals(await pool.execute("whichWorker"), before);
  const options = { timeout: TIMEOUT };
  const error = await reasonOf(pool.execute("burnAfterAwait", [], options));
  assertInstanceOf(error, JobTimeoutError);
  await pool.execute("echo", [1]);
  const { lost, crashed } = pool.stats();
  assertEquals([lost, crashed], [0, 0]);
});

test("memoryLimit: a timeout that has not passed does not hide what killed a job", async () => {
  await using pool = makePool({ memoryLimit: 32 });
  await pool.execute("echo", [1]);
  const options = { timeout: 10_000 };
  const error = await reasonOf(pool.execute("takeHeap", [], options));
  assertInstanceOf(error, MemoryLimitError);
});

async function checkFault(
  kind: Kind,
  pool: JobPool,
  fault: Fault,
  gate: Gate,
): Promise<void> {
  const before = await pool.execute("whichWorker");
  const runsBefore = await pool.execute("count");
  const { crashed, timedOut, aborted, failed } = pool.stats();
  // Only a thread needs a gate: elsewhere, a job that goes on has to be killed.
  const argument = fault.argument ?? (kind === "thread" ? gate.key : undefined);
  const { signal, abort } = stopper();
  const start = performance.now();
  const isStarted = new Promise((resolve) => {
    pool.addEventListener("jobstart", resolve, { once: true });
  });
  const result = reasonOf(
    pool.execute(
      fault.job as "never",
      [argument as SharedArrayBuffer],
      { ...fault.options, signal: fault.isAborted ? signal : undefined },
    ),
  );
  const behind = numbersTo(20).map(() => pool.execute("count"));
  if (fault.isAborted) {
    if (kind === "thread") await gate.arrived();
    else await isStarted;
    abort(new SyntaxError("no longer"));
  }

  const error = await result;
  assertInstanceOf(error, fault.Class);
  assertMatch(error.message, fault.says ?? /./);
  if (fault.cause) assertMatch(String(error.cause), fault.cause);
  if (error instanceof WorkerCrashedError) assert(error.started);
  if (fault.options?.timeout) {
    // The clocks of two threads may differ a little.
    assertGreaterOrEqual(performance.now() - start, TIMEOUT - 2);
  }

  const runs = await Promise.all(behind);
  const isSame = await pool.execute("whichWorker") === before;
  assertEquals(isSame, fault.fate[kind] === "lives on");
  const first = isSame ? runsBefore + 1 : 1;
  assertEquals(
    runs.toSorted((a, b) => a - b),
    numbersTo(20).map((i) => first + i),
  );
  const stats = pool.stats();
  const isOf = (Class: unknown) => Number(fault.Class === Class);
  assertEquals({
    crashed: stats.crashed - crashed,
    timedOut: stats.timedOut - timedOut,
    aborted: stats.aborted - aborted,
    failed: stats.failed - failed,
  }, {
    crashed: isOf(WorkerCrashedError) + isOf(MemoryLimitError),
    timedOut: isOf(JobTimeoutError),
    aborted: isOf(SyntaxError),
    failed: isOf(WorkerCrashedError) + isOf(MemoryLimitError) +
      isOf(RangeError),
  });
}

function stopper() {
  const controller = new AbortController();
  const abort = (reason: Error) => controller.abort(reason);
  return { signal: controller.signal, abort };
}

function liveIs(kind: Kind, count: number): Promise<void> {
  let live = 0;
  return eventually(
    async () => (live = await countLive(kind)) === count,
    () => `Expected ${count} workers, got ${live}`,
  );
}
