// Tests of inline jobs: self-contained functions that are sent as their source.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { JobNotFoundError, ThreadPool } from "@spindle/thread-pool";
import { makePool, numbersTo } from "./kinds.ts";
import { Gate } from "./gate.ts";
import { eachRow, moduleOf, test } from "./pools.ts";
import { executeUntyped } from "./untyped.ts";

/** Returns a function with this source. */
const fn = (source: string) => new Function(`return ${source}`)();

/** Functions that can be jobs, with their arguments and results. */
const INLINE: Record<string, [job: unknown, args: unknown[], result: unknown]> =
  {
    "an arrow function": [(a: number) => a + 1, [1], 2],
    "an async arrow function": [async (a: number) => await a + 1, [2], 3],
    "a function": [
      function (a: number) {
        return a + 1;
      },
      [3],
      4,
    ],
    "an async function": [
      async function named(a: number) {
        return await a + 1;
      },
      [4],
      5,
    ],
    "a default parameter": [(a = 6) => a, [], 6],
    "parameters that are patterns": [
      ({ a }: { a: number }, ...[b]: number[]) => a + b,
      [{ a: 3 }, 4],
      7,
    ],
    "a function that calls itself": [
      function fib(n: number): number {
        const before = (i: number) => fib(n - i);
        return n < 2 ? n : before(1) + before(2);
      },
      [10],
      55,
    ],
    "a source with comments": [fn("/* a */ () => 1 // b"), [], 1],
    "strict mode, without a this": [
      function (this: unknown) {
        return String(this);
      },
      [],
      "undefined",
    ],
    "currentJob() and transfer() in scope": [
      // deno-lint-ignore no-eval
      () => ["currentJob", "transfer"].map((name) => typeof eval(name)),
      [],
      ["function", "function"],
    ],
    "an absolute import": [
      async (url: string) => (await import(url)).default(1),
      [moduleOf("export default (a) => a + 1")],
      2,
    ],
    "an import of a built-in module": [
      async () => typeof (await import("node:path")).join,
      [],
      "function",
    ],
    "a name that is a symbol": [
      Object.defineProperty(() => 1, "name", { value: Symbol("name") }),
      [],
      1,
    ],
    "a name that is a function": [
      Object.defineProperty(() => 1, "name", { value: () => {} }),
      [],
      1,
    ],
    "an import in a comment": [
      fn('() => { /* import("./x.ts") */ return 1; }'),
      [],
      1,
    ],
    "an import in a text": [fn("() => 'import(\\'./x.ts\\')' && 1"), [], 1],
    "a method named import": [
      fn('() => ({ import: () => 1 }).import("./x.ts")'),
      [],
      1,
    ],
    "an import behind many comments": [
      fn(`(a) => ({ import ${"/* */ ".repeat(1_000)}: a }).import`),
      [1],
      1,
    ],
  };

test("execute() runs self-contained functions of all forms", async () => {
  await using pool = new ThreadPool(1);
  await eachRow(INLINE, async ([job, args, result]) => {
    assertEquals(await executeUntyped(pool, job, args), result);
  });
});

class Klass {
  static async asyncMethod() {
    await 0;
  }
  method() {
    return 1;
  }
  [`computed`]() {}
}

const object = {
  method() {
    return 1;
  },
  async asyncMethod() {
    await 0;
  },
  *generator() {
    yield 1;
  },
  "quoted name"() {},
  get getter() {
    return 1;
  },
  set setter(value: number) {
    this.method = () => value;
  },
};
const accessor = (name: string) =>
  Object.getOwnPropertyDescriptor(object, name)!;

/** Values that cannot be jobs, and what the message says about them. */
const NOT_INLINE: Record<string, [job: unknown, ...said: string[]]> = {
  "a method": [object.method, "a method"],
  "an async method": [object.asyncMethod],
  "a method of a quoted name": [object["quoted name"]],
  "a method of a class": [new Klass().method, "a method"],
  "a static method": [Klass.asyncMethod],
  "a computed method": [new Klass().computed],
  "a getter": [accessor("getter").get],
  "a setter": [accessor("setter").set],
  "a native function": [Math.max],
  "a native method": [[].map],
  "a constructor": [Map],
  "a bound function": [(() => 1).bind(null)],
  "a proxy of a function": [new Proxy(() => 1, {})],
  "a class": [Klass],
  "a class without a name": [class {}],
  "a class that extends": [class extends Klass {}],
  "a generator": [fn("function* () {}")],
  "an async generator": [fn("async function* () {}")],
  "a generator method": [object.generator],
  "a source that strict mode refuses": [new Function("with ({}) {}")],
  "a source of octal numbers": [new Function("return 010")],
  "import.meta": [() => import.meta.url, "import.meta"],
  "arguments of an arrow function": [
    fn("() => arguments.length"),
    "arguments",
  ],
};

test("execute() rejects with TypeError at the call for what is not a self-contained function", async () => {
  await using pool = new ThreadPool(1);
  await eachRow(NOT_INLINE, async ([job, ...said]) => {
    const { message } = await assertRejects(
      () => executeUntyped(pool, job, []),
      TypeError,
    );
    if (said.length === 0) said = ["self-contained function"];
    for (const text of said) {
      assertStringIncludes(message, text);
    }
  });
  assertEquals(pool.stats().size, 0, "a worker was started");
});

test("execute() rejects with TypeError at the call for a relative import, naming it", async () => {
  await using pool = new ThreadPool(1);
  const sources = [
    'async () => await import("./jobs.ts")',
    "async () => (await import('../jobs.ts')).default",
    "() => import(`/jobs.ts`)",
    'async function load() { return await import(\n"./jobs.ts"\n) }',
    'async () => await import("./jobs.ts", { with: { type: "json" } })',
    '() => import(/* lazy */ "./jobs.ts")',
    '() => import( // lazy\n"./jobs.ts")',
    "(name) => import(`./${name}/jobs.ts`)",
    '(name) => import("./jobs.ts" + name)',
    '() => import.defer("./jobs.ts")',
  ];
  for (const source of sources) {
    const { message } = await assertRejects(
      () => pool.execute(fn(source)),
      TypeError,
    );
    assertStringIncludes(message, "jobs.ts");
    assertStringIncludes(message, "absolute URL");
  }
  assertEquals(pool.stats().size, 0);
});

test("execute() rejects with errors of strict mode, and of imports with a computed path", async () => {
  await using pool = new ThreadPool(1);
  const sloppy = new Function("undeclared = 1") as () => void;
  await assertRejects(() => pool.execute(sloppy), ReferenceError);
  const load = (path: string) => import(path);
  const { message } = await assertRejects(
    () => pool.execute(load, ["./no_such_jobs.ts"]),
    Error,
  );
  assertStringIncludes(message, "no_such_jobs.ts");
});

/** Returns a function whose source no other function has. */
const distinct = (i: number) => new Function(`return ${i}`) as () => number;

test("execute() runs more functions than the pool remembers, while a job waits with its own", async () => {
  await using pool = makePool({ concurrency: 2 });
  using gate = new Gate();
  const waits = pool.execute(
    (key: SharedArrayBuffer) =>
      Atomics.waitAsync(new Int32Array(key), 1, 0).value,
    [gate.key],
  );
  const same = () => "same";
  for (const count of [2_200, 200]) {
    const jobs = numbersTo(count).map((i) => pool.execute(distinct(i)));
    assertEquals(await pool.execute(same), "same");
    assertEquals(await Promise.all(jobs), numbersTo(count));
  }
  gate.open();
  assertEquals(await waits, "ok");
});

test("execute() runs a function that is created anew for each call", async () => {
  await using pool = new ThreadPool(1);
  const jobs = numbersTo(1_000).map((i) => pool.execute((a: number) => a, [i]));
  assertEquals(await Promise.all(jobs), numbersTo(1_000));
});

test("execute() rejects each of 2 200 unknown names", async () => {
  const module = moduleOf("export const f = () => 1");
  await using pool = new ThreadPool({ module, size: 1 });
  const results = await Promise.allSettled(
    numbersTo(2_200).map((i) => pool.execute(`no${i}`)),
  );
  for (const [i, result] of results.entries()) {
    const { reason } = result as PromiseRejectedResult;
    assertEquals(reason instanceof JobNotFoundError, true);
    assertStringIncludes(reason.message, `"no${i}"`);
  }
  assertEquals(await pool.execute("f"), 1);
});
