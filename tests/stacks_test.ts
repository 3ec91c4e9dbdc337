// What the stacks of jobs' errors show: the user's frames, and where the job was given.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { withoutCallers } from "../src/values/stacks.ts";
import { poolTest } from "./live_workers.ts";
import { executeUntyped } from "./untyped.ts";

const HERE = import.meta.url;
const OWN = new URL("../src/", HERE).href;

function stackOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "", (error) => error.stack);
}

function assertNoOwnFrames(stack: string) {
  assert(!stack.includes(OWN), stack);
}

for (const options of [{}, { concurrency: 2 }, { hardKill: true }]) {
  poolTest(
    `the stack of an inline job names the file that gave it, and no frame of the pool (${
      JSON.stringify(options)
    })`,
    async () => {
      await using pool = new ThreadPool({ size: 1, ...options });
      for (
        const job of [
          () => {
            throw new Error("at once");
          },
          async () => {
            await 0;
            throw new Error("later");
          },
        ]
      ) {
        for (const timeout of [undefined, 60_000]) {
          const stack = await stackOf(pool.execute(job, [], { timeout }));
          assertStringIncludes(stack, HERE);
          assertNoOwnFrames(stack);
        }
      }
    },
  );
}

poolTest(
  "the stack of a module's job ends with the module's frames",
  async () => {
    const source = `function inner() { throw new Error("deep"); }
    export function outer() { return [1].map(() => inner()); }`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    await using pool = new ThreadPool({ module, size: 1 });
    const stack = await stackOf(pool.execute("outer"));
    assertEquals(stack.split("\n").length, 5, stack);
    assertStringIncludes(stack, "at outer");
    assertNoOwnFrames(stack);
  },
);

poolTest(
  "a timeout's error says where the job was called, if callerStack is set",
  async () => {
    await using pool = new ThreadPool({ size: 1, callerStack: true });
    const loop = () => {
      for (;;);
    };
    const never = () => new Promise(() => {});
    for (const job of [loop, never]) {
      const stack = await stackOf(pool.execute(job, [], { timeout: 20 }));
      assertStringIncludes(stack, "JobTimeoutError");
      assertStringIncludes(stack, HERE);
    }
  },
);

poolTest("a place with quotes in its URL harms no inline job", async () => {
  await using pool = new ThreadPool(1);
  const dir = await Deno.makeTempDir({ suffix: "it's (odd) \u00e9" });
  try {
    const file = `${dir}/give.js`;
    await Deno.writeTextFile(
      file,
      "export const give = (pool) => pool.execute(() => { throw new Error('x'); });",
    );
    const { give } = await import(new URL(`file://${file}`).href);
    const stack = await stackOf(give(pool));
    assertStringIncludes(stack, "give.js");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("withoutCallers() leaves a stack without frames of the pool as it is", () => {
  const stack =
    "Error: x\n    at f (file:///a.ts:1:2)\n    at Array.map (<anonymous>)";
  assertEquals(withoutCallers(stack), stack);
  const called =
    `${stack}\n    at run (node:vm:1:2)\n    at Executor.#call (${OWN}worker/executor.ts:1:2)\n    at g (${OWN}x.ts:1:1)`;
  assertEquals(withoutCallers(called), stack);
});

/** Jobs that miss something, and what their errors are to say. */
const MISSING: [job: unknown, ...said: string[]][] = [
  [new Function("return prompt('?')"), "workers have no `prompt`"],
  [new Function("return localStorage.x"), "workers have no `localStorage`"],
  [new Function("return document.title"), "Deno has no `document`"],
  [new Function("return require('x')"), "await import()"],
  [new Function("return __name(1)"), "job module", '"__name"'],
  [new Function("return _jsx('a')"), "job module", '"_jsx"'],
  [new Function("return React.x"), "job module", '"React"'],
  [new Function("return join('a')"), "await import()", '"join"', "args"],
  [function (this: { x: 1 }) {
    return this.x;
  }, "without a `this`"],
  [function (this: { x: 1 }) {
    const { x } = this;
    return x;
  }, "without a `this`"],
  [() => import("./" + "no_such.ts"), "relative import", "import.meta.resolve"],
];

poolTest(
  "a job that misses something says what it misses, and what helps",
  async () => {
    await using pool = new ThreadPool(1);
    for (const [job, ...said] of MISSING) {
      const error = await assertRejects(
        () => executeUntyped(pool, job, []),
        Error,
      );
      for (const text of said) {
        assertStringIncludes(error.message, text);
        assertStringIncludes(error.stack!, text);
      }
    }
  },
);

poolTest(
  "an error that has nothing to do with this is left as it is",
  async () => {
    await using pool = new ThreadPool(1);
    const job = function (a: { b?: { c: number } }) {
      return a.b!.c;
    };
    const error = await pool.execute(job, [{}]).catch((error) => error);
    assertEquals(
      error.message,
      "Cannot read properties of undefined (reading 'c')",
    );
  },
);

poolTest("a module's function that has lost its this says so", async () => {
  const source = `export function secret() { return this.secret; }
    export const { get } = new Map();`;
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  await using pool = new ThreadPool({ module, size: 1 });
  for (const name of ["secret", "get"]) {
    const error = await pool.execute(name).catch((error) => error);
    assertStringIncludes(error.message, "without a `this`");
    assertStringIncludes(error.message, `"${name}"`);
  }
});

Deno.test("withoutCallers() reads any stack in a time that is proportional to its length", () => {
  // Read from each beginning of a place to the end, these take hours.
  for (
    const part of [" (file:", " (", ":1", " ", "async ", "file:1:1", "at "]
  ) {
    for (const head of ["    at ", "    at (file:", ""]) {
      const stack = head + part.repeat(1_000_000);
      assertEquals(withoutCallers(stack), stack);
    }
  }
});
