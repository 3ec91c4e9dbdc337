// Types of execute() and of jobs. The test is that this file passes the type check.
// Calls that it must refuse are under `@ts-expect-error`, in functions that are
// never called.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type ExecuteOptions,
  type JobName,
  JobNotFoundError,
  type JobStream,
  type StreamName,
  ThreadPool,
  transfer,
} from "@spindle/thread-pool";
import { onStop, workerData } from "@spindle/thread-pool/worker";
import type * as jobs from "./fixtures/types.ts";
import { same } from "./same_type.ts";
import { test } from "./pools.ts";
import { checkTypes } from "./script.ts";

const module = new URL("./fixtures/types.ts", import.meta.url);
type Pool = ThreadPool<typeof jobs>;

/** The exact types of results. */
function resultsAreTyped(pool: Pool) {
  const add = pool.execute("add", [1, 2]);
  same<typeof add, Promise<number>>(true);
  const greet = pool.execute("greet");
  same<typeof greet, Promise<string>>(true);
  const nothing = pool.execute("nothing");
  same<typeof nothing, Promise<void>>(true);
  const later = pool.execute("later", ["a"]);
  same<typeof later, Promise<{ text: string }>>(true);
  const either = pool.execute("either", [1]);
  same<typeof either, Promise<string | number>>(true);
  const two = pool.execute("forms", [1, "a"]);
  same<typeof two, Promise<number>>(true);
  pool.execute("forms", [true]);
  // @ts-expect-error One form has no text, and the other one needs it.
  pool.execute("forms", [1]);
  const formless = (...a: [number, string] | [boolean]) => a.length;
  const inlineForms = pool.execute(formless, [1, "a"]);
  same<typeof inlineForms, Promise<1 | 2>>(true);
  const inline = pool.execute((a: number) => [a], [1]);
  same<typeof inline, Promise<number[]>>(true);
  const asyncInline = pool.execute(async (a: number) => await `${a}`, [1]);
  same<typeof asyncInline, Promise<string>>(true);
  const bare = pool.execute(() => {});
  same<typeof bare, Promise<void>>(true);
}

/** The names of a pool's jobs. */
function namesAreThoseOfFunctions() {
  same<
    JobName<typeof jobs>,
    | "add"
    | "greet"
    | "withDefault"
    | "nothing"
    | "later"
    | "first"
    | "rest"
    | "either"
    | "anything"
    | "untyped"
    | "never"
    | "bytes"
    | "forms"
  >(true);
}

/** Jobs with one untyped job, such as a re-export from an npm package without types. */
interface PartlyTyped {
  add(a: number, b: number): number;
  numbers(): Generator<number>;
  // @ts-expect-error There is no such value, which gives TypeScript's error type.
  untyped: typeof noSuchValue;
}

function anUntypedJobLeavesTheOthersTyped(pool: ThreadPool<PartlyTyped>) {
  same<JobName<PartlyTyped>, "add" | "untyped">(true);
  same<StreamName<PartlyTyped>, "numbers">(true);
  const sum = pool.execute("add", [1, 2]);
  same<typeof sum, Promise<number>>(true);
  const called = pool.jobs.add(1, 2);
  same<typeof called, Promise<number>>(true);
  const numbers = pool.stream("numbers");
  same<typeof numbers, JobStream<number>>(true);
  const untyped = pool.execute("untyped", [1, "a"]);
  // deno-lint-ignore no-explicit-any
  same<typeof untyped, Promise<any>>(true);
  // @ts-expect-error no such job
  pool.execute("ad", [1, 2]);
  // @ts-expect-error no such job
  pool.jobs.ad;
}

/** The jobs as functions, with the arguments and results of their handlers. */
function jobsAreFunctions({ jobs }: Pool) {
  same<typeof jobs.add, (a: number, b: number) => Promise<number>>(true);
  same<keyof typeof jobs, JobName<typeof import("./fixtures/types.ts")>>(true);
  const greet = jobs.greet();
  same<typeof greet, Promise<string>>(true);
  // @ts-expect-error no such job
  jobs.ad;
  // @ts-expect-error a generator
  jobs.numbers;
  // @ts-expect-error the second argument has another type
  jobs.add(1, "2");
  // @ts-expect-error it cannot be replaced
  jobs.add = () => Promise.resolve(1);
  const untyped = new ThreadPool(1).jobs.any(1);
  // deno-lint-ignore no-explicit-any
  same<typeof untyped, Promise<any>>(true);
}

function argumentsMayBeLeftOut(pool: Pool) {
  pool.execute("greet");
  pool.execute("greet", []);
  pool.execute("greet", ["you"]);
  pool.execute("greet", [undefined]);
  pool.execute("greet", [], {});
  pool.execute("greet", undefined, {});
  pool.execute("withDefault");
  pool.execute("nothing");
  pool.execute("rest", ["a"]);
  pool.execute("rest", ["a", 1, 2]);
  pool.execute("anything");
  pool.execute("anything", [1, "a", {}]);
  pool.execute(() => 1);
  pool.execute((a?: number) => a);
  pool.execute((a = 1) => a);
}

function listsMayBeReadonly(pool: Pool) {
  const args = [1, 2] as const;
  pool.execute("add", args);
  const list: readonly [number, number] = [1, 2];
  pool.execute("add", list);
  const frozen = Object.freeze([1, 2] as [number, number]);
  pool.execute("add", frozen);
  pool.execute((a: number, b: string) => a + b, [1, "a"] as const);
  const options: ExecuteOptions = { transfer: [] as const };
  pool.execute("add", [1, 2], options);
  pool.execute("bytes", [new Uint8Array(1)], {
    transfer: [new ArrayBuffer(1)],
    signal: AbortSignal.timeout(1),
  });
  const controller = new AbortController();
  pool.execute("add", [1, 2], controller);
}

/** Names and jobs that are only partly known. */
function jobsMayBeVariables(pool: Pool, name: "greet" | "nothing") {
  const either = pool.execute(name);
  same<typeof either, Promise<string | void>>(true);
  const job = Math.random() > 1 ? (a: number) => a : (a: number) => `${a}`;
  const result = pool.execute(job, [1]);
  same<typeof result, Promise<number | string>>(true);
  const inferred = pool.execute(<T>(a: T[]) => a[0], [[1]]);
  same<typeof inferred, Promise<unknown>>(true);
  // A pool with more jobs is assignable to a pool with fewer.
  const fewer: ThreadPool<Pick<typeof jobs, "add" | "greet">> = pool;
  fewer.execute("add", [1, 2]);
  const any = pool.execute("never");
  same<typeof any, Promise<never>>(true);
}

function wrongCallsAreRefused(pool: Pool) {
  // @ts-expect-error no such job
  pool.execute("ad", [1, 2]);
  // @ts-expect-error not a function
  pool.execute("constant");
  // @ts-expect-error a type
  pool.execute("Shape");
  // @ts-expect-error a class
  pool.execute("Klass");
  // @ts-expect-error a generator
  pool.execute("numbers");
  // @ts-expect-error an asynchronous generator
  pool.execute("laterNumbers");
  // @ts-expect-error the second argument has another type
  pool.execute("add", [1, "2"]);
  // @ts-expect-error an argument is missing
  pool.execute("add", [1]);
  // @ts-expect-error all arguments are missing
  pool.execute("add", []);
  // @ts-expect-error the arguments are missing
  pool.execute("add");
  // @ts-expect-error one argument too many
  pool.execute("add", [1, 2, 3]);
  // @ts-expect-error no list
  pool.execute("greet", "you");
  // @ts-expect-error a list of unknown length
  pool.execute("add", [1, 2] as number[]);
  // @ts-expect-error an unknown option
  pool.execute("add", [1, 2], { signals: [] });
  // @ts-expect-error an option of another type
  pool.execute("add", [1, 2], { signal: 1 });
  // @ts-expect-error an inline job's argument is missing
  pool.execute((a: number) => a);
  // @ts-expect-error an inline job's argument has another type
  pool.execute((a: number) => a, ["1"]);
  // @ts-expect-error an inline generator through a sender
  pool.sender().execute(function* () {}, []);
  // @ts-expect-error an inline generator
  pool.execute(function* () {}, []);
  // @ts-expect-error an inline asynchronous generator
  pool.execute(async function* () {}, []);
  // @ts-expect-error an inline generator without a list
  pool.execute(function* () {});
  // @ts-expect-error a list, and arguments behind it
  pool.execute("add", [1], 2);
  // @ts-expect-error arguments without a list
  pool.execute("add", 1, 2);
  // @ts-expect-error no list where arguments are needed
  pool.execute("add", undefined, {});
  // @ts-expect-error neither a name nor a function
  pool.execute(42);
}

/** Generators with other return types. */
interface Walks {
  walk(): IterableIterator<number>;
  later(): AsyncIterableIterator<number>;
}

function anyIteratorIsAGenerators(pool: ThreadPool<Walks>) {
  // @ts-expect-error a generator
  pool.execute("walk");
  // @ts-expect-error an asynchronous generator
  pool.execute("later");
  const walked = pool.stream("walk");
  same<typeof walked, JobStream<number>>(true);
  const promised = pool.stream(function* () {
    yield Promise.resolve(1);
  });
  same<typeof promised, JobStream<number>>(true);
}

/** Jobs of which one takes no object. */
interface Pictures {
  invert(image: { kind: "rgb" | "rgba"; pixels: Uint8Array }): void;
  crop(pair: [pixels: Uint8Array, width: number]): void;
  greet(name: string): string;
}

function whatMovesKeepsItsLiteralTypes(
  pool: ThreadPool<Pictures>,
  pixels: Uint8Array,
) {
  pool.execute("invert", [transfer({ kind: "rgb", pixels })]);
  pool.execute("crop", [transfer([pixels, 1])]);
  // @ts-expect-error no such kind
  pool.execute("invert", [transfer({ kind: "cmyk", pixels })]);
  // @ts-expect-error nothing moves
  transfer(undefined);
}

async function wrongUsesOfResultsAreRefused(pool: Pool) {
  // @ts-expect-error a number is no string
  const _text: string = await pool.execute("add", [1, 2]);
  // @ts-expect-error the promise is no number
  const _number: number = pool.execute("add", [1, 2]);
  // @ts-expect-error it has no such property
  (await pool.execute("later", ["a"])).length;
}

function poolsWithoutTypesTakeAnyName() {
  const pool = new ThreadPool({ module });
  pool.execute("whatever", [1, "a"]);
  pool.execute("whatever");
  pool.execute((a: number) => a, [1]);
  // @ts-expect-error an inline job is checked all the same
  pool.execute((a: number) => a, ["1"]);
}

function wrongOptionsAreRefused() {
  // @ts-expect-error a string is no size
  new ThreadPool("4");
  // @ts-expect-error an elastic size has a maximum
  new ThreadPool({ size: { min: 1 } });
  // @ts-expect-error a text is no size
  new ThreadPool(1).resize("2");
  // @ts-expect-error an unknown option
  new ThreadPool({ sizes: 4 });
  // @ts-expect-error an unknown policy
  new ThreadPool({ queue: { whenFull: "explode" } });
}

function workersAreTyped(pool: Pool) {
  new ThreadPool({ size: { max: 2 }, workerData: new Map([[1, "a"]]) });
  const started = pool.start({ signal: AbortSignal.timeout(1) });
  same<typeof started, Promise<void>>(true);
  const resized = pool.resize({ min: 1, max: 2 });
  same<typeof resized, void>(true);
  const unknown = workerData();
  same<typeof unknown, unknown>(true);
  const known = workerData<{ path: string }>();
  same<typeof known, { path: string }>(true);
  onStop(() => {});
  onStop(async () => await Promise.resolve());
  // @ts-expect-error not a function
  onStop("close");
}

function eventsAreTyped(pool: Pool) {
  pool.addEventListener("jobend", ({ detail }) => {
    same<typeof detail.ok, boolean>(true);
    same<typeof detail.jobId, number>(true);
  });
  pool.addEventListener("workererror", ({ detail }) => {
    same<typeof detail.workerId, number>(true);
  });
  // @ts-expect-error no such event
  pool.addEventListener("jobended", () => {});
  // @ts-expect-error no such detail
  pool.addEventListener("jobstart", ({ detail }) => detail.waitTime);
}

Deno.test("execute() and jobs: types pass the type check", () => {
  const checked = [
    resultsAreTyped,
    namesAreThoseOfFunctions,
    anUntypedJobLeavesTheOthersTyped,
    jobsAreFunctions,
    argumentsMayBeLeftOut,
    listsMayBeReadonly,
    jobsMayBeVariables,
    wrongCallsAreRefused,
    anyIteratorIsAGenerators,
    whatMovesKeepsItsLiteralTypes,
    wrongUsesOfResultsAreRefused,
    poolsWithoutTypesTakeAnyName,
    wrongOptionsAreRefused,
    workersAreTyped,
    eventsAreTyped,
  ];
  assert(checked.every((one) => typeof one === "function"));
});

test("execute() runs calls that TypeScript accepts", async () => {
  await using pool = new ThreadPool<typeof jobs>({ module, size: 1 });
  const args = [1, 2] as const;
  assertEquals(await pool.execute("add", args), 3);
  assertEquals(await pool.execute("greet"), "hello you");
  assertEquals(await pool.execute("withDefault"), 1);
  assertEquals((await pool.execute("later", ["a"])).text, "a");
  assertEquals(await pool.execute("rest", ["a", 1, 2]), 3);
  assertEquals(await pool.execute("first", [["x"]]), "x");
});

test("jobs has each job as a function", async () => {
  await using pool = new ThreadPool<typeof jobs>({ module, size: 1 });
  const { add, greet, rest } = pool.jobs;
  assertEquals(await Promise.all([add(1, 2), greet(), rest("a", 1, 2)]), [
    3,
    "hello you",
    3,
  ]);
  assertEquals(pool.jobs.add, add);
  // An unknown job rejects as in execute(), and `await` does not call `jobs.then`.
  assertEquals(await pool.jobs, pool.jobs);
  await using untyped = new ThreadPool({ module, size: 1 });
  const { missing } = untyped.jobs;
  await assertRejects(missing, JobNotFoundError, 'Job "missing" not found');
});

/** Wrong calls, and the part of each that TypeScript's message must point at. */
const WRONG_CALLS = [
  [`pool.execute("ad", [1, 2]);`, `"ad"`],
  [`pool.execute("numbers");`, `"numbers"`],
  [`pool.execute("add", [1, "2"]);`, `"2"`],
  [`pool.execute("add", [1]);`, `[1]`],
  [`pool.execute("add", [1, 2, 3]);`, `[1, 2, 3]`],
  [`pool.execute("add");`, `execute`],
  [`pool.execute("greet", "you");`, `"you"`],
  [`pool.execute("add", [1, 2], { signals: 1 });`, `signals`],
  [`pool.execute((a: number, b: string) => a + b, [1, 2]);`, `2]`],
  [`pool.execute((a: number) => a);`, `execute`],
  [`pool.execute(function* () {}, []);`, `function*`],
  [`const text: string = await pool.execute("add", [1, 2]);`, `text`],
];

/** Texts that the messages must include. */
const MESSAGES = [
  // The names of the jobs.
  `"greet" | "withDefault"`,
  "Arguments for the rest parameter 'args' were not provided",
  "a generator cannot be a job",
  "Source has 1 element(s) but target requires 2",
  "'signals' does not exist in type 'ExecuteOptions'",
];

Deno.test("execute(): TypeScript's message points at the wrong argument", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const head = `
    import { ThreadPool } from "${import.meta.resolve("../mod.ts")}";
    import type * as jobs from "${module}";
    const pool = new ThreadPool<typeof jobs>({ module: "${module}" });`;
  const lines = [...head.split("\n"), ...WRONG_CALLS.map(([call]) => call)];
  await Deno.writeTextFile(file, lines.join("\n"));
  try {
    const { code, stderr } = await checkTypes(file);
    const name = file.replaceAll("\\", "/").split("/").at(-1)!;
    const places = stderr.split(`/${name}:`).slice(1)
      .map((text) => /^\d+:\d+/.exec(text)?.[0]);
    const expected = WRONG_CALLS.map(([call, part]) =>
      `${lines.indexOf(call) + 1}:${call.indexOf(part) + 1}`
    );
    assertEquals(places, expected, stderr);
    for (const text of MESSAGES) assertStringIncludes(stderr, text);
    assert(!stderr.includes("implementation"), stderr);
    assertEquals(code, 1);
  } finally {
    await Deno.remove(file);
  }
});
