// Errors of jobs: their stacks have only the user's frames, and say what a job lacks.
import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { explain } from "../src/job/explain.ts";
import { FunctionTable } from "../src/job/functions.ts";
import { withoutCallers } from "../src/values/stacks.ts";
import { reasonOf } from "./kinds.ts";
import { moduleOf, test } from "./pools.ts";
import { executeUntyped } from "./untyped.ts";

const HERE = import.meta.url;
const OWN = new URL("../src/", HERE).href;

async function stackOf(promise: Promise<unknown>): Promise<string> {
  const { stack } = await reasonOf(promise) as Error;
  assertFalse(stack!.includes(OWN), stack);
  return stack!;
}

for (const options of [{}, { concurrency: 2 }, { hardKill: true }]) {
  test(`an error's stack names the file of an inline job, and has no frame of the pool (${JSON.stringify(options)})`, async () => {
    await using pool = new ThreadPool({ size: 1, ...options });
    const now = () => {
      throw new Error("at once");
    };
    const later = async () => {
      await 0;
      throw new Error("later");
    };
    for (const job of [now, later]) {
      for (const timeout of [undefined, 60_000]) {
        const stack = await stackOf(pool.execute(job, [], { timeout }));
        assertStringIncludes(stack, HERE);
      }
    }
  });
}

test("an error's stack ends with the frames of the module", async () => {
  const module = moduleOf(`function inner() { throw new Error("deep"); }
    export function outer() { return [1].map(() => inner()); }`);
  await using pool = new ThreadPool({ module, size: 1 });
  const stack = await stackOf(pool.execute("outer"));
  assertEquals(stack.split("\n").length, 5, stack);
  assertStringIncludes(stack, "at outer");
});

test("an error's stack names a file whose path contains quotes", async () => {
  await using pool = new ThreadPool(1);
  const dir = await Deno.makeTempDir({ suffix: "it's (odd) \u00e9" });
  try {
    const source =
      "export const give = (pool) => pool.execute(() => { throw new Error('x'); });";
    await Deno.writeTextFile(`${dir}/give.js`, source);
    const { give } = await import(new URL(`file://${dir}/give.js`).href);
    assertStringIncludes(await stackOf(give(pool)), "give.js");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("deno test --coverage does not look for the source of an inline job", async () => {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/inline_test.ts`;
  await Deno.writeTextFile(
    file,
    `import { ThreadPool } from "${import.meta.resolve("../mod.ts")}";
Deno.test("inline", async () => {
  await using pool = new ThreadPool(1);
  await pool.execute((a: number) => a + 1, [1]);
});`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--coverage", file],
    cwd: directory,
    stdin: "null",
  }).output();
  await Deno.remove(directory, { recursive: true });
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout));
  const text = decoder.decode(stderr);
  assertFalse(text.includes("Source not found"), text);
});

Deno.test("withoutCallers() removes the frames of the pool and of its callers", () => {
  const stack =
    "Error: x\n    at f (file:///a.ts:1:2)\n    at Array.map (<anonymous>)";
  assertEquals(withoutCallers(stack), stack);
  const called =
    `${stack}\n    at run (node:vm:1:2)\n    at Executor.#call (${OWN}worker/executor.ts:1:2)\n    at g (${OWN}x.ts:1:1)`;
  assertEquals(withoutCallers(called), stack);
});

Deno.test("withoutCallers() takes time proportional to the length of the stack", () => {
  // Parsing to the end from each possible start would take hours.
  for (
    const part of [" (file:", " (", ":1", " ", "async ", "file:1:1", "at "]
  ) {
    for (const head of ["    at ", "    at (file:", ""]) {
      const stack = head + part.repeat(1_000_000);
      assert(withoutCallers(stack) === stack);
    }
  }
});

/** Jobs that lack something, and what their errors say. */
const MISSING: [job: unknown, ...said: string[]][] = [
  [new Function("return prompt('?')"), "workers have no `prompt`"],
  [new Function("return localStorage.x"), "workers have no `localStorage`"],
  [new Function("return document.title"), "Deno has no `document`"],
  [new Function("return require('x')"), "await import()"],
  [new Function("return __name(1)"), "job module", '"__name"'],
  [new Function("return _jsx('a')"), "job module", '"_jsx"'],
  [new Function("return React.x"), "job module", '"React"'],
  [new Function("return join('a')"), "await import()", '"join"', "args"],
  [new Function("return async (a) => a * factor")(), '"factor"', "args"],
  [new Function("return (a) => a * factor")(), '"factor"', "args"],
  [new Function("return this.x"), "without a `this`"],
  [new Function("const { x } = this; return x;"), "without a `this`"],
  [() => import("./" + "no_such.ts"), "relative import", "import.meta.resolve"],
  [
    () => import("no_such" + "/name"),
    "package.json",
    'import "npm:no_such/name"',
    'import.meta.resolve("no_such/name")',
  ],
];

test("an error of an inline job says what the job lacks, and what helps", async () => {
  await using pool = new ThreadPool(1);
  for (const [job, ...said] of MISSING) {
    const call = () => executeUntyped(pool, job, [1]);
    const { message, stack } = await assertRejects(call, Error);
    for (const text of said) {
      assertStringIncludes(message, text);
      assertStringIncludes(stack!, text);
    }
  }
});

test("an error for a missing `this` names the function of the module", async () => {
  const module = moduleOf(`export function secret() { return this.secret; }
    export const { get } = new Map();
    export function miss() { return nothing; }`);
  await using pool = new ThreadPool({ module, size: 1 });
  for (const name of ["secret", "get"]) {
    const { message } = await assertRejects(() => pool.execute(name), Error);
    assertStringIncludes(message, "without a `this`");
    assertStringIncludes(message, `"${name}"`);
  }
  // A module captures nothing from its caller.
  const { message } = await assertRejects(() => pool.execute("miss"), Error);
  assertEquals(message, "nothing is not defined");
});

Deno.test("an import of an unknown name is explained only if the inline job itself imports it", () => {
  const fn = new FunctionTable().inline((name: string) => import(name));
  // Deno's message if the program has no import map.
  const message = 'Import "lib" not a dependency';
  const own = new TypeError(message);
  explain(own, fn);
  assertStringIncludes(own.message, 'import "npm:lib"');
  const ofModule = new TypeError(`${message}\n    at file:///lib.js:1:8`);
  explain(ofModule, fn);
  assertEquals(ofModule.message, `${message}\n    at file:///lib.js:1:8`);
});

/** Inline jobs that run code in which a name is missing. */
const MISSED_ELSEWHERE: [job: (text: string) => unknown, text: string][] = [
  [
    async (module) => (await import(module)).parse(),
    moduleOf("export const parse = () => missed"),
  ],
  [async (module) => await import(module), moduleOf("export default missed")],
  [(script) => new Function(script)(), "return missed"],
  [(script) => eval(script), "missed + 1"],
  // A property of that name is not a variable.
  [(script) => (eval as { missed?: unknown }).missed ?? eval(script), "missed"],
];

test("an error of a library or a script is not blamed on the inline job that runs it", async () => {
  await using pool = new ThreadPool(1);
  for (const [job, text] of MISSED_ELSEWHERE) {
    for (const name of ["missed", "require", "__name"]) {
      const script = text.replace("missed", name);
      const call = () => pool.execute(job, [script]);
      const { message } = await assertRejects(call, ReferenceError);
      assertEquals(message, `${name} is not defined`);
    }
  }
});

test("an unrelated error keeps its message", async () => {
  await using pool = new ThreadPool(1);
  const job = (a: { b?: { c: number } }) => a.b!.c;
  const { message } = await assertRejects(() => pool.execute(job, [{}]), Error);
  assertEquals(message, "Cannot read properties of undefined (reading 'c')");
});
