// Options of a pool and of a call: valid values, and values that are refused.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { liveWorkers } from "./live_workers.ts";
import { numbersTo } from "./kinds.ts";
import { eachRow, moduleOf, test } from "./pools.ts";
import { executeUntyped, poolUntyped } from "./untyped.ts";

// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;

/** Asserts that options are refused with a message that includes these texts. */
function refuses(options: unknown, Class: ErrorClass, ...said: string[]) {
  const { message } = assertThrows(() => poolUntyped(options), Class);
  for (const text of said) assertStringIncludes(message, text);
  assert(!message.endsWith("."), message);
}

/** Asserts the same for a call, which must start no worker. */
async function refusesCall(
  call: unknown[],
  Class: ErrorClass,
  ...said: string[]
): Promise<void> {
  await using pool = new ThreadPool(1);
  const execute = () => executeUntyped(pool, ...call);
  const { message } = await assertRejects(execute, Class);
  for (const text of said) assertStringIncludes(message, text);
  assertEquals(pool.stats().size, 0);
}

/** For each option, the expectation in the message, and values of a wrong type. */
const WRONG_TYPES: Record<string, [what: string, ...values: unknown[]]> = {
  size: ["number", "4", null, true, [], 4n],
  "size.max": ["number", "4", null, true, {}, [], 4n],
  stopGrace: ["a number of ms", "100", null, true, [], 4n],
  module: ["URL", 42, null, {}, true],
  concurrency: ["number", "4", null, true, [], 4n],
  isolation: ['"thread" or "process"', 1, null, {}],
  execArgv: ["array", "--a", {}, null],
  queue: ["object", 8, null, "wait", [], () => {}],
  connections: ['"bytes" or "descriptor"', 1, null, {}],
  callerStack: ["boolean", 1, "true", null, {}],
  statsByName: ["boolean", 1, "true", null, {}],
  name: ["string", 1, null, {}, Symbol("s")],
  signal: ["AbortSignal", {}, null, new AbortController(), 1],
  timeout: ["a number of ms", "100", null, true, {}, 4n],
  abortGrace: ["a number of ms", "100", null, true, [], 4n],
  maxJobsPerWorker: ["a number", "4", null, true, {}, 4n],
  maxHeapPerWorker: ["a number of MiB", "64", null, true, {}, 64n],
  hardKill: ["a boolean", 1, "true", null, {}],
  memoryLimit: ["a number of MiB", "64", null, true, {}, 64n],
  permissions: ["an object", 1, null, true, [], () => {}],
  "queue.capacity": ["number", null, true, {}, [], 1n, () => {}, Symbol("s")],
  "queue.whenFull": ['"wait"', null, true, {}, [], 1n, () => {}, Symbol("s")],
  "permissions.read": ["", 1, "none", null, {}, [1]],
};

/** Returns options with one value, for a name like `queue.capacity`. */
function optionsOf(name: string, value: unknown): Record<string, unknown> {
  const [outer, inner] = name.split(".");
  return { [outer]: inner === undefined ? value : { [inner]: value } };
}

test("new ThreadPool() throws a TypeError that names an option of a wrong type", () =>
  eachRow(WRONG_TYPES, ([what, ...values], name) => {
    for (const value of values) {
      const came = typeof value === "string"
        ? `"${value}"`
        : `${value === null ? "null" : ""}`;
      refuses(optionsOf(name, value), TypeError, name, what, came);
    }
  }));

/** For each option, the expectation in the message, and values out of range. */
const OUT_OF_RANGE: Record<string, [what: string, ...values: unknown[]]> = {
  size: ["at least 1", 0, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53, -0],
  "size.max": ["at least 1", 0, -1, 1.5, NaN, Infinity, 2 ** 53],
  stopGrace: ["at least 0", -1, NaN, Infinity, 2 ** 31],
  concurrency: ["an integer of at", 0, -1, 1.5, NaN, Infinity, 1e9],
  isolation: ['"process"', "fiber"],
  connections: ['"bytes" or "descriptor"', "Bytes", "descriptors", "fd"],
  timeout: ["above 0", 0, -1, NaN, -Infinity, 2 ** 31],
  abortGrace: ["at least 0", -1, NaN, -Infinity, 2 ** 31],
  maxJobsPerWorker: ["an integer of at least 1", 0, -1, 1.5, NaN, -Infinity],
  maxHeapPerWorker: ["at least 16", 0, 15.9, -1, NaN],
  memoryLimit: ["at least 16", 0, 15.9, -1, NaN, Infinity],
  permissions: ['"inherit", "none" or an object', "all", "", "None"],
  "queue.capacity": ["", -1, 1.5, NaN, -Infinity],
  "queue.whenFull": ['"wait"', "explode", "Reject"],
};

test("new ThreadPool() throws a RangeError that shows a value out of range", () => {
  refuses(0, RangeError, "size", "at least 1");
  refuses({ size: { min: -1, max: 2 } }, RangeError, "size.min", "-1");
  refuses({ size: { min: 3, max: 2 } }, RangeError, "size.min", "2", "3");
  const negative = { size: { max: 2 }, idleTimeout: -1 };
  refuses(negative, RangeError, "idleTimeout", "at least 0", "-1");
  return eachRow(OUT_OF_RANGE, ([what, ...values], name) => {
    for (const value of values) {
      refuses(
        optionsOf(name, value),
        RangeError,
        `\`${name}\``,
        what,
        `${value}`,
      );
    }
  });
});

/** Values at the edges of their ranges. */
const EDGES: Record<string, unknown[]> = {
  module: [],
  size: [1, { max: 1 }, { min: 0, max: 1 }],
  stopGrace: [0, 2 ** 31 - 1],
  concurrency: [1, 2 ** 16],
  queue: [],
  connections: ["bytes"],
  callerStack: [true],
  name: ["", "-x", "a/b"],
  signal: [],
  timeout: [0.001, 2 ** 31 - 1, Infinity],
  abortGrace: [0, 2 ** 31 - 1, Infinity],
  maxJobsPerWorker: [1, Infinity],
  maxHeapPerWorker: [16],
  hardKill: [false],
  memoryLimit: [16],
  permissions: ["inherit"],
  "queue.capacity": [0, Infinity],
  "queue.whenFull": ["discard-oldest"],
};

test("new ThreadPool() accepts values at the edges of their ranges, and undefined", () =>
  eachRow(EDGES, (values, name) => {
    for (const value of [...values, undefined]) {
      poolUntyped(optionsOf(name, value));
    }
  }));

type Row<Subject = unknown> = [refused: Subject, ...said: string[]];
const rows = <T, Subject>(values: T[], row: (value: T) => Row<Subject>) =>
  values.map(row);
const tableOf = <Subject>(rows: Row<Subject>[]) =>
  Object.fromEntries(rows.map((row) => [Deno.inspect(row), row]));

/** Options that are refused with a TypeError, and what the message says. */
const REFUSED: Row[] = [
  // Neither a number nor an object.
  ["4", "new ThreadPool(4)"],
  ["./jobs.ts", "new ThreadPool({ module: … })"],
  [new URL("file:///jobs.ts"), "new ThreadPool({ module: … })"],
  ...rows([null, true, 4n, () => {}, Symbol("s"), [], [4]], (one) => [one]),
  // Unknown options.
  [{ sizes: 4 }, "sizes"],
  [{ Size: 4 }, "Size"],
  [{ queue: { capasity: 4 } }, "queue.capasity"],
  [{ toString: () => "" }, "toString"],
  [{ size: { min: 1 } }, "size.max"],
  [{ size: { min: "1", max: 2 } }, "size.min", "a number"],
  [{ size: { max: 2, least: 1 } }, "size.least"],
  [{ permissions: { reads: true } }, "reads"],
  [{ permissions: { all: true } }, "all"],
  [{ permissions: { hrtime: true } }, "hrtime"],
  // Options that exclude each other.
  ...rows([{}, { size: 4 }], (more) => [
    { idleTimeout: 100, ...more },
    "idleTimeout",
    "`size` is a number",
  ]),
  [{ size: 4, idleTimeout: Infinity }, "idleTimeout", "`size` is a number"],
  [{ size: { max: 2 }, idleTimeout: "5s" }, "idleTimeout: 5000"],
  ...rows(
    [1, 0, false, null, Infinity, "thread"],
    (workerData) => [
      { workerData, queue: { whenFull: "caller-runs" } },
      "workerData",
    ],
  ),
  ...rows([{ hardKill: true }, { memoryLimit: 64 }], (more) => [
    { permissions: "none", ...more },
    Object.keys(more)[0],
    "permissions",
    '`isolation` to "process"',
  ]),
  [{ isolation: "process", connections: "bytes" }, "connections"],
  [{ isolation: "process", queue: { whenFull: "caller-runs" } }, "isolation"],
  [{ execArgv: [] }, "execArgv"],
  [{ isolation: "process", execArgv: [1] }, "execArgv"],
  ...rows(
    "--allow-all --allow-read=/ --deny-net --ignore-env --permission-set=x --inspect"
      .split(" "),
    (flag) => [{ isolation: "process", execArgv: [flag] }, flag],
  ),
  // Not an absolute URL.
  ...rows(["./jobs.ts", "jobs.ts", "/jobs.ts", "../a.ts", ""], (module) => [
    { module },
    "module",
    "absolute URL",
    module,
    "import.meta.url",
  ]),
  [{ module: "C:\\work\\jobs.ts" }, "file:///C:/work/jobs.ts"],
  // Misspelled, or in a wrong form.
  [{ queue: 16 }, "queue: { capacity: 16 }"],
  [{ queue: "reject" }, 'queue: { whenFull: "reject" }'],
  [{ queue: { capacity: "16" } }, "queue: { capacity: 16 }"],
  [{ queue: { whenfull: "wait" } }, "did you mean `whenFull`?"],
  [{ whenFull: "reject" }, 'queue: { whenFull: "reject" }'],
  [{ capacity: 16 }, "queue: { capacity: 16 }"],
  [{ maxQueue: 16 }, "did you mean `queue.capacity`?"],
  [{ size: "4" }, "size: 4"],
  [{ workers: 4 }, "did you mean `size`?"],
  [{ concurency: 4 }, "did you mean `concurrency`?"],
  [{ transfer: [] }, "an option of `execute()`"],
  [{ permissions: true }, 'permissions: "inherit"'],
  [{ permissions: { read: "./data" } }, 'permissions: { read: ["./data"] }'],
  [{ timeout: "5s" }, "timeout: 5000"],
  [{ abortGrace: "100 ms" }, "abortGrace: 100"],
  [{ memoryLimit: "1 GiB" }, "memoryLimit: 1024"],
  [{ signal: new AbortController() }, "signal: controller.signal"],
];

test("new ThreadPool() throws a TypeError for an invalid option, and shows the right form", async () => {
  const before = await liveWorkers();
  await eachRow(
    tableOf(REFUSED),
    ([options, ...said]) => refuses(options, TypeError, ...said),
  );
  assertEquals(await liveWorkers(), before);
});

/** Calls that are refused with a TypeError, and what the message says. */
const REFUSED_CALLS: Row<unknown[]>[] = [
  ...rows([undefined, null, 1, {}, [], true, Symbol("s"), 1n], (job) => [
    [job],
    "job",
  ]),
  ...rows([1, "ab", null, {}, new Set([1]), { length: 1, 0: 1 }], (args) => [
    [() => 1, args],
    "args",
    "array",
  ]),
  ...rows([1, "a", null, true, () => {}, []], (options) => [
    [() => 1, [], options],
    "options",
  ]),
  ...rows([{}, null, 1], (signal) => [
    [() => 1, [], { signal }],
    "signal",
    "AbortSignal",
  ]),
  ...rows([{}, null, new ArrayBuffer(1), new Set()], (transfer) => [
    [() => 1, [], { transfer }],
    "transfer",
    "array",
  ]),
  ...rows(["100", null, true, {}, 4n], (timeout) => [
    [() => 1, [], { timeout }],
    "timeout",
    "a number of ms",
  ]),
  [[() => 1, [], { signals: 1 }], "signals"],
  ...rows(["1", null, true, {}, 4n], (priority) => [
    [() => 1, [], { priority }],
    "priority",
    "a number",
  ]),
  ...rows([null, true, {}, [], Symbol("a"), 4n], (key) => [
    [() => 1, [], { key }],
    "key",
    "a string or a number",
  ]),
  [["add", 1, 2], 'execute("add", [1, 2])'],
  [["add", "x"], 'execute("add", ["x"])'],
  [[() => 1, 1], "execute(job, [1])"],
  [[() => 1, { a: 1 }, { timeout: 5 }], "execute(job, [{ … }], { … })"],
  [[() => 1, [1], 2], "all arguments into one array"],
  [[() => 1, [], new AbortController().signal], "{ signal }"],
  [[() => 1, [], { signal: new AbortController() }], "controller.signal"],
  [[() => 1, [], { transfer: new ArrayBuffer(1) }], "transfer: [value]"],
  [[() => 1, [], { timeout: "5s" }], "timeout: 5000"],
  [[() => 1, [], { transferList: [] }], "did you mean `transfer`?"],
  [[() => 1, [], { callerStack: true }], "an option of the pool"],
];

test("execute() rejects with a TypeError for an invalid call, and shows the right form", () => {
  return eachRow(
    tableOf(REFUSED_CALLS),
    ([call, ...said]) => refusesCall(call, TypeError, ...said),
  );
});

test("execute() rejects with a RangeError for a timeout out of range", async () => {
  for (const timeout of [0, -1, NaN, 2 ** 31]) {
    const said = ["`timeout`", "above 0", String(timeout)];
    await refusesCall([() => 1, [], { timeout }], RangeError, ...said);
  }
});

test("execute() rejects with a RangeError for a priority that is not an integer from -100 to 100", async () => {
  for (const priority of [0.5, 101, -101, NaN, Infinity]) {
    const said = ["`priority`", "at least -100 and at most 100"];
    await refusesCall([() => 1, [], { priority }], RangeError, ...said);
  }
});

test("execute() accepts undefined options and arguments", async () => {
  await using pool = new ThreadPool(1);
  const options = {
    signal: undefined,
    transfer: undefined,
    timeout: undefined,
    priority: undefined,
    key: undefined,
  };
  assertEquals(await pool.execute(() => 1, [], options), 1);
  assertEquals(await executeUntyped(pool, () => 1, undefined, undefined), 1);
});

test("new ThreadPool() starts as many workers as jobs need, up to size or the number of cores", async () => {
  for (const size of [2, undefined]) {
    await using pool = new ThreadPool(size!);
    const most = size ?? navigator.hardwareConcurrency;
    const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all(numbersTo(most + 3).map(() => pool.execute(wait)));
    assertEquals(pool.stats().size, most);
  }
});

test("new ThreadPool() accepts its module as a URL or a string, and ignores later changes", async () => {
  const url = new URL(moduleOf("export const echo = (value) => value"));
  const options = { module: url, size: 1, queue: { capacity: 3 } };
  for (const module of [url, url.href]) {
    await using pool = new ThreadPool({ ...options, module });
    url.pathname = "text/javascript,throw 1";
    options.queue.capacity = -1;
    assertEquals(await pool.execute("echo", ["text"]), "text");
    url.pathname = `text/javascript,export const echo = (value) => value`;
    options.queue.capacity = 3;
  }
});

test("new ThreadPool() names workers with any prefix", async () => {
  for (const name of ["prefix-of-mine", "", "-x", "a/b"]) {
    await using pool = new ThreadPool({ size: 1, name });
    assertEquals(await pool.execute(() => self.name), `${name}-1`);
  }
});

test("new ThreadPool() accepts permissions together with hardKill and memoryLimit in a process", async () => {
  const both = { hardKill: true, memoryLimit: 64 };
  await new ThreadPool({ permissions: "none", isolation: "process", ...both })
    .close();
});

test("new ThreadPool() and execute() accept options when Object.prototype has an extra property", async () => {
  const prototype = Object.prototype as { extend?: unknown };
  prototype.extend = () => {};
  try {
    await using pool = new ThreadPool({ size: 1, timeout: 60_000 });
    const give = (value: { a: number }) => value;
    const result = await pool.execute(give, [{ a: 1 }], { priority: 1 });
    assertEquals(result.a, 1);
  } finally {
    delete prototype.extend;
  }
});
