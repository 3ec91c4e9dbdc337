// Inline jobs: self-contained functions that are sent as their source.
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";
import { executeUntyped } from "./untyped.ts";

const factor = 2;

poolTest(
  "execute() runs arrow functions, functions and async functions",
  async () => {
    await using pool = new ThreadPool(1);
    assertEquals(await pool.execute((a: number) => a + 1, [1]), 2);
    assertEquals(await pool.execute(async (a: number) => await a + 1, [2]), 3);
    assertEquals(
      await pool.execute(function (a: number) {
        return a + 1;
      }, [3]),
      4,
    );
    assertEquals(
      await pool.execute(async function named(a: number) {
        return await a + 1;
      }, [4]),
      5,
    );
    assertEquals(await pool.execute((a = 6) => a), 6);
    assertEquals(
      await pool.execute(({ a }: { a: number }, ...[b]: number[]) => a + b, [
        { a: 3 },
        4,
      ]),
      7,
    );
  },
);

poolTest(
  "an inline function may call itself, and functions inside of it",
  async () => {
    await using pool = new ThreadPool(1);
    const result = await pool.execute(function fib(n: number): number {
      const before = (i: number) => fib(n - i);
      return n < 2 ? n : before(1) + before(2);
    }, [10]);
    assertEquals(result, 55);
  },
);

poolTest("a source may hold comments and end in one", async () => {
  await using pool = new ThreadPool(1);
  const inline = new Function("return /* a */ () => 1 // b")();
  assertEquals(await pool.execute(inline), 1);
  // deno-fmt-ignore
  assertEquals(await pool.execute(() => /* nothing */ 2 // the end
  ), 2);
});

poolTest(
  "an inline job is evaluated in strict mode, without a this",
  async () => {
    await using pool = new ThreadPool(1);
    const self = await pool.execute(function (this: unknown) {
      return String(this);
    });
    assertEquals(self, "undefined");
    const sloppy = new Function("undeclared = 1") as () => void;
    await assertRejects(() => pool.execute(sloppy), ReferenceError);
  },
);

poolTest("an inline job has currentJob() and transfer() in scope", async () => {
  await using pool = new ThreadPool(1);
  const types = await pool.execute(() => {
    const scope = { currentJob: "", transfer: "" };
    // deno-lint-ignore no-eval
    const look = (name: string) => typeof eval(name);
    scope.currentJob = look("currentJob");
    scope.transfer = look("transfer");
    return scope;
  });
  assertEquals(types, { currentJob: "function", transfer: "function" });
});

poolTest(
  "a captured variable gives an error that names it and says that values go through args",
  async () => {
    await using pool = new ThreadPool(1);
    for (
      const inline of [
        (a: number) => a * factor,
        // deno-lint-ignore require-await
        async (a: number) => a * factor,
      ]
    ) {
      const error = await assertRejects(
        () => pool.execute(inline, [1]),
        ReferenceError,
      );
      assertStringIncludes(error.message, '"factor"');
      assertStringIncludes(error.message, "args");
      assertStringIncludes(error.stack!, "args");
    }
  },
);

poolTest(
  "a name that a handler of the module does not find is not called captured",
  async () => {
    const source = "export function miss() { return nothing; }";
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    await using pool = new ThreadPool({ module, size: 1 });
    const error = await assertRejects(
      () => pool.execute("miss"),
      ReferenceError,
    );
    assertEquals(error.message, "nothing is not defined");
  },
);

class Klass {
  static made = 1;
  #secret = 1;
  method() {
    return this.#secret;
  }
  static async asyncMethod() {
    await 0;
  }
  get field() {
    return this.#secret;
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

const NOT_INLINE: Record<string, unknown> = {
  "a method": object.method,
  "an async method": object.asyncMethod,
  "a method of a quoted name": object["quoted name"],
  "a method of a class": new Klass().method,
  "a static method": Klass.asyncMethod,
  "a computed method": new Klass().computed,
  "a getter": Object.getOwnPropertyDescriptor(object, "getter")!.get,
  "a setter": Object.getOwnPropertyDescriptor(object, "setter")!.set,
  "a native function": Math.max,
  "a native method": [].map,
  "a constructor": Map,
  "a bound function": (() => 1).bind(null),
  "a proxy of a function": new Proxy(() => 1, {}),
  "a class": Klass,
  "a class without a name": class {},
  "a class that extends": class extends Klass {},
  "a generator": function* () {
    yield 1;
  },
  "an async generator": async function* () {
    yield await 1;
  },
  "a generator method": object.generator,
  "a source that strict mode refuses": new Function("with ({}) {}"),
  "a source of octal numbers": new Function("return 010"),
};

for (const [name, job] of Object.entries(NOT_INLINE)) {
  poolTest(
    `execute() rejects with TypeError for ${name}, at the call`,
    async () => {
      await using pool = new ThreadPool(1);
      const error = await assertRejects(
        () => executeUntyped(pool, job, []),
        TypeError,
      );
      assertStringIncludes(error.message, "self-contained function");
      assertEquals(pool.stats().size, 0, "a worker was started for it");
    },
  );
}

poolTest("a relative import is refused by name, at the call", async () => {
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
    const inline = new Function(`return ${source}`)();
    const error = await assertRejects(() => pool.execute(inline), TypeError);
    assertStringIncludes(error.message, "jobs.ts");
    assertStringIncludes(error.message, "absolute URL");
  }
  assertEquals(pool.stats().size, 0);
});

poolTest(
  "what only looks like a relative import is no reason to refuse",
  async () => {
    await using pool = new ThreadPool(1);
    for (
      const source of [
        '() => { /* import("./x.ts") */ return 1; }',
        "() => 'import(\\'./x.ts\\')' && 1",
        '() => ({ import: () => 1 }).import("./x.ts")',
      ]
    ) {
      assertEquals(await pool.execute(new Function(`return ${source}`)()), 1);
    }
  },
);

poolTest(
  "a source with many comments is searched for imports soon",
  async () => {
    await using pool = new ThreadPool(1);
    const comments = "/* */ ".repeat(1_000);
    const job = new Function(
      `return (a) => ({ import ${comments}: a }).import`,
    )();
    assertEquals(await pool.execute(job, [1]), 1);
  },
);

poolTest(
  "an inline job that uses what only its place has is told so",
  async () => {
    await using pool = new ThreadPool(1);
    const WRONG: [job: unknown, said: string][] = [
      [() => import.meta.url, "import.meta"],
      [new Function("return () => arguments.length")(), "arguments"],
      [object.method, "a method"],
      [new Klass().method, "a method"],
    ];
    for (const [job, said] of WRONG) {
      const error = await assertRejects(
        () => executeUntyped(pool, job, []),
        TypeError,
      );
      assertStringIncludes(error.message, said);
    }
    assertEquals(pool.stats().size, 0);
  },
);

poolTest(
  "a relative import whose name is computed fails with the name",
  async () => {
    await using pool = new ThreadPool(1);
    const error = await assertRejects(
      () => pool.execute((path: string) => import(path), ["./no_such_jobs.ts"]),
    );
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "no_such_jobs.ts");
  },
);

poolTest("an absolute import works in an inline job", async () => {
  await using pool = new ThreadPool(1);
  const url = new URL("./fixtures/exports.ts", import.meta.url).href;
  const sum = await pool.execute(
    async (url: string) => (await import(url)).add(1, 2),
    [url],
  );
  assertEquals(sum, 3);
  const join = await pool.execute(async () => {
    const { join } = await import("node:path");
    return typeof join;
  });
  assertEquals(join, "function");
});

poolTest(
  "a function made anew for each call is known by its source",
  async () => {
    await using pool = new ThreadPool(1);
    const results = await Promise.all(
      Array.from(
        { length: 1_000 },
        (_, i) => pool.execute((a: number) => a * 2, [i]),
      ),
    );
    assertEquals(results.at(-1), 1_998);
  },
);

poolTest(
  "10 000 different inline functions each give their own result",
  async () => {
    await using pool = new ThreadPool(1);
    const results = await Promise.all(
      Array.from(
        { length: 10_000 },
        (_, i) => pool.execute(new Function(`return ${i}`) as () => number),
      ),
    );
    assertEquals(results.every((result, i) => result === i), true);
  },
);

poolTest(
  "a function whose name is no string runs, and harms no other job",
  async () => {
    await using pool = new ThreadPool(1);
    for (const value of [() => {}, Symbol("name"), {}, 42, null]) {
      const inline = Object.defineProperty(() => 1, "name", { value });
      const [odd, next] = await Promise.all([
        pool.execute(inline),
        pool.execute(() => 2),
      ]);
      assertEquals([odd, next], [1, 2]);
    }
  },
);
