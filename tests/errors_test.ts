// Tests that what a handler throws arrives unchanged.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  JobTimeoutError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  ThreadPoolError,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { KINDS, makePool, reasonOf } from "./kinds.ts";
import { eachRow, moduleOf, test } from "./pools.ts";

// deno-lint-ignore no-explicit-any
type Thrown = any;

/** Runs jobs that throw `make()`, now and later, and returns what both reject with. */
async function thrownBy(
  pool: ThreadPool,
  make: () => unknown,
): Promise<Thrown> {
  const [now, later] = await Promise.all([
    new Function(`throw (${make})();`),
    new Function(`return (async () => { await 0; throw (${make})(); })();`),
  ].map((job) => reasonOf(pool.execute(job as () => void))));
  assertEquals(describe(now), describe(later));
  return now;
}

/** Returns what should arrive of an error. */
function describe(value: unknown, parents: unknown[] = []): unknown {
  if (!(value instanceof Error)) return value;
  if (parents.includes(value)) return `error ${parents.indexOf(value)}`;
  const inner = (part: unknown) => describe(part, [...parents, value]);
  let base = value;
  const own = new Map(classes().map(([, Class]) => [Class.prototype, Class]));
  while (!own.has(base)) base = Object.getPrototypeOf(base);
  const Class = own.get(base)!;
  const { name, message, constructor } = value;
  const seen: Record<string, unknown> = { Class, message };
  // An error whose class sets no name arrives under the name of its class.
  seen.name = name === Class.name ? constructor.name : name;
  for (const key of ["code", ...Object.getOwnPropertyNames(value)]) {
    if (/^(name|message|stack)$/.test(key) || !(key in value)) continue;
    const part = Reflect.get(value, key);
    seen[key] = Array.isArray(part) ? part.map(inner) : inner(part);
  }
  return seen;
}

type ErrorClass = new (...args: unknown[]) => Error;

/** Returns every error class of the runtime, with the path to it. */
function classes(): [path: string, Class: ErrorClass][] {
  const { errors } = Deno;
  const namespaces = { "": globalThis, "WebAssembly.": WebAssembly };
  return Object.entries({ ...namespaces, "Deno.errors.": errors })
    .flatMap(([prefix, namespace]) =>
      Object.getOwnPropertyNames(namespace).map((name): [string, unknown] => [
        prefix + name,
        (namespace as Record<string, unknown>)[name],
      ])
    ).filter((entry): entry is [string, ErrorClass] => {
      const [, Class] = entry;
      return typeof Class === "function" &&
        (Class === Error || Class.prototype instanceof Error);
    });
}

/** Thrown values that arrive unchanged; unit/error_codec_test.ts has more. */
const SAME: Record<string, () => unknown> = {
  "without a message": () => new Error(),
  "a cause that is undefined": () => new Error("m", { cause: undefined }),
  "a chain of causes, each of its class": () =>
    new Error("top", {
      cause: Object.assign(
        new TypeError("mid", { cause: new DOMException("low", "AbortError") }),
        { code: 42 },
      ),
    }),
  "causes that form a cycle": () => {
    const inner = new TypeError("inner");
    return inner.cause = new Error("outer", { cause: inner });
  },
  "a chain of 50 causes": () => {
    let error = new Error("error 0");
    for (let i = 1; i < 50; i++) error = new Error(`${i}`, { cause: error });
    return error;
  },
  "an AggregateError with a cause": () =>
    new AggregateError([new TypeError("one"), 2, { three: 3 }], "m", {
      cause: "why",
    }),
  "a SuppressedError": () =>
    new SuppressedError(new RangeError("new"), new TypeError("old"), "both"),
  "a DOMException": () => new DOMException("clone", "DataCloneError"),
  "an own class with a name and properties": () => {
    class CustomError extends TypeError {
      override name = "CustomName";
      code = 42;
      details = { list: [1, 2], at: new Date(0) };
    }
    return new CustomError("m");
  },
  "an own class that sets no name": () =>
    new (class OwnRangeError extends RangeError {})("m"),
  "properties that were put on it": () =>
    Object.assign(new Error("m"), { name: "N", code: "E_CODE", errno: -2 }),
  "a property that is an error": () =>
    Object.assign(new Error("m"), { inner: new RangeError("inner") }),
  "a frozen error": () => Object.freeze(new TypeError("m")),
  "an error behind a proxy": () => new Proxy(new TypeError("m"), {}),
  "a number": () => 42,
  "undefined": () => undefined,
  "null": () => null,
  "a text": () => "text",
  "an object": () => ({ a: 1, list: [new Date(0)] }),
};

for (const [kind, options] of Object.entries(KINDS)) {
  test(`execute() rejects with what the handler throws, unchanged (${kind})`, async () => {
    await using pool = new ThreadPool({ size: 1, ...options });
    await eachRow(SAME, async (make) => {
      assertEquals(describe(await thrownBy(pool, make)), describe(make()));
    });
    assertEquals(pool.stats().crashed, 0);
  });
}

/** Thrown values that arrive as text, or without what cannot be read. */
const LOSSY: Record<string, [() => unknown, (error: Thrown) => void]> = {
  "a symbol": [
    () => Symbol("s"),
    (text) => assertStringIncludes(text, "Symbol(s)"),
  ],
  "a function": [
    () => function thrown() {},
    (text) => assertStringIncludes(text, "thrown"),
  ],
  "a revoked proxy": [() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }, (text) => assert(text)],
  "a trap at every step": [
    () => {
      const trap = () => {
        throw new RangeError("trapped");
      };
      const traps = {
        ownKeys: trap,
        get: trap,
        getOwnPropertyDescriptor: trap,
      };
      return new Proxy(new Error("inner"), traps);
    },
    (text) => assertEquals(text, "a object without a text"),
  ],
  "a cause that cannot be cloned": [
    () => new Error("m", { cause: () => {} }),
    ({ cause }) => assertEquals(typeof cause, "string"),
  ],
  "a getter that throws": [
    () => {
      const get = () => {
        throw new Error("from the getter");
      };
      return Object.defineProperties(new RangeError("m"), {
        bad: { enumerable: true, get },
        good: { enumerable: true, value: 1 },
      });
    },
    (error) => {
      assertInstanceOf(error, RangeError);
      assertEquals([error.message, Reflect.get(error, "good")], ["m", 1]);
    },
  ],
  "a chain of 20 000 causes": [
    () => {
      let error = new RangeError("error 0");
      for (let i = 1; i < 20_000; i++) {
        error = new RangeError(`error ${i}`, { cause: error });
      }
      return error;
    },
    (error) => {
      assertInstanceOf(error, RangeError);
      assertEquals(error.message, "error 19999");
    },
  ],
  "a name like one of ours": [
    () => Object.assign(new Error("not ours"), { name: "QueueFullError" }),
    (error) => {
      assertEquals(error.name, "QueueFullError");
      assertFalse(error instanceof QueueFullError);
      assertFalse(error instanceof ThreadPoolError);
    },
  ],
};

test("execute() rejects with as much of a thrown value as can arrive, and keeps its worker", async () => {
  await using pool = new ThreadPool(1);
  await eachRow(
    LOSSY,
    async ([make, check]) => check(await thrownBy(pool, make)),
  );
  assertEquals(pool.stats().crashed, 0);
});

test("execute() rejects with a system error that keeps its class and code", async () => {
  await using pool = new ThreadPool(1);
  const read = (path: string) => Deno.readTextFile(path);
  const path = new URL("./no_such_file", import.meta.url).href;
  const expected = await reasonOf(read(path)) as Error & { code: string };
  const error = await assertRejects(() => pool.execute(read, [path]));
  assertInstanceOf(error, Deno.errors.NotFound);
  const { message, code } = error as typeof expected;
  assertEquals([message, code], [expected.message, expected.code]);
});

test("execute() rejects with WorkerCrashedError if a worker dies of a value without a text", async () => {
  await using pool = makePool();
  const die = () => {
    setTimeout(() => {
      throw { toString: 1, valueOf: 1 };
    });
    return new Promise(() => {});
  };
  await assertRejects(() => pool.execute(die), WorkerCrashedError);
  assertEquals(await pool.execute("echo", [1]), 1);
});

test("execute() rejects with a signal's reason even if the reason has no text", async () => {
  await using pool = makePool();
  const client = new AbortController();
  pool.addEventListener("jobstart", () => client.abort(reason), { once: true });
  const reason = Object.assign(Object.create(null), { fn() {} });
  const job = pool.execute("untilTold", [], client);
  assertStrictEquals(await reasonOf(job), reason);
  assertEquals(await pool.execute("echo", [1]), 1);
});

function whereItIsCalled(pool: ThreadPool): Promise<unknown> {
  return pool.execute(function failing() {
    throw new RangeError("wrong");
  });
}

test("callerStack appends the stack of the call, without the pool's own frames", async () => {
  for (const callerStack of [true, false]) {
    await using pool = new ThreadPool({ size: 1, callerStack });
    const { stack } = await assertRejects(
      () => whereItIsCalled(pool),
      RangeError,
    );
    const pattern = callerStack ? /failing[^]*whereItIsCalled/ : /failing/;
    assertMatch(stack!, pattern);
    assertEquals(stack!.includes("whereItIsCalled"), callerStack);
    assertFalse(/thread_pool\.ts|intake\.ts/.test(stack!), stack);
  }
});

test("callerStack leaves out the pool's own frames, whichever method submits the job", async () => {
  await using pool = makePool({ callerStack: true });
  const callHere = {
    jobs: () => pool.jobs.fail(),
    stream: () => {
      return pool.stream(function* () {
        yield* [].values();
        throw new RangeError("wrong");
      }).next();
    },
    map: () => pool.map("fail", [1]).next(),
  };
  const own = new URL("../src/pool/", import.meta.url).href;
  for (const call of Object.values(callHere)) {
    const { stack } = await assertRejects(call, RangeError);
    assertStringIncludes(stack!, import.meta.url);
    assertFalse(stack!.includes(own), stack);
  }
});

test("callerStack shows where a job that times out was submitted", async () => {
  await using pool = makePool({ callerStack: true });
  for (const job of ["loop", "never"] as const) {
    const error = await assertRejects(
      () => pool.execute(job, [], { timeout: 20 }),
      JobTimeoutError,
    );
    assertStringIncludes(error.stack!, import.meta.url);
  }
});

test("callerStack distinguishes callers whose jobs fail for the same reason", async () => {
  const pool = new ThreadPool({ size: 1, callerStack: true });
  const first = () =>
    assertRejects(() => pool.execute(() => 1), PoolTerminatedError);
  const second = () =>
    assertRejects(() => pool.execute(() => 2), PoolTerminatedError);
  const results = [first(), second()];
  await pool.terminate();
  const stacks = (await Promise.all(results)).map(({ stack }) => stack!);
  const seen = stacks.map((stack) => /\b(?:first|second)\b/g.exec(stack)?.[0]);
  assertEquals(seen, ["first", "second"]);
});

test("callerStack changes neither a signal's reason nor a thrown value that is not an error", async () => {
  await using pool = new ThreadPool({ size: 1, callerStack: true });
  for (const reason of [new Error("no longer"), undefined]) {
    const client = new AbortController();
    const submit = (i: number) =>
      reasonOf(pool.execute((i: number) => i, [i], client));
    const results = [submit(1), submit(2)];
    client.abort(reason);
    for (const error of await Promise.all(results)) {
      assertStrictEquals(error, client.signal.reason);
    }
    assertFalse(client.signal.reason.stack.includes("submit"));
  }
  const thrown = () => Promise.reject({ stack: "mine" });
  assertEquals(await reasonOf(pool.execute(thrown)), { stack: "mine" });
});

/** Ways for a module to listen for errors; each calls `heard()`. */
const LISTENERS: Record<string, string> = {
  "addEventListener()": `
    addEventListener("error", (e) => { e.preventDefault(); heard(); });
    addEventListener("unhandledrejection", (e) => {
      e.preventDefault();
      heard();
    });`,
  "a capturing listener": `
    for (const type of ["error", "unhandledrejection"]) {
      addEventListener(type, (e) => { e.preventDefault(); heard(); }, true);
    }`,
  "onerror and onunhandledrejection": `
    onerror = () => { heard(); return true; };
    onunhandledrejection = (e) => { e.preventDefault(); heard(); };`,
  "process.on()": `
    import process from "node:process";
    process.on("uncaughtException", () => heard());
    process.on("unhandledRejection", () => heard());`,
};

/** Returns a module with a job for each way to leave an error behind. */
function leaving(listeners: string): string {
  return moduleOf(`let heard;
    ${listeners}
    const leave = (deed) => new Promise((resolve) => {
      heard = resolve;
      deed();
    });
    const fail = () => { throw new Error("left"); };
    export const rejection = () => leave(() => { Promise.reject(new Error("left")); });
    export const timer = () => leave(() => { setTimeout(fail); });
    export const microtask = () => leave(() => { queueMicrotask(fail); });
    export const report = () => leave(() => { reportError(new Error("left")); });
    export const next = () => new Promise((r) => setTimeout(r, 0, "alive"));`);
}
const DEEDS = ["rejection", "timer", "microtask", "report"];

test("a module's listeners that handle an error keep its worker", async () => {
  await eachRow(LISTENERS, async (listeners) => {
    const module = leaving(listeners);
    await using pool = new ThreadPool({ module, size: 1 });
    for (const deed of DEEDS) {
      await pool.execute(deed);
      assertEquals(await pool.execute("next"), "alive");
    }
    assertEquals(pool.stats().crashed, 0);
  });
});

test("a module's listeners that only observe an error do not keep its worker", async () => {
  const module = leaving(`addEventListener("error", () => {});
    addEventListener("unhandledrejection", () => {});`);
  await using pool = new ThreadPool({ module, size: 1 });
  for (const deed of DEEDS) {
    const error = await assertRejects(
      () => pool.execute(deed),
      WorkerCrashedError,
    );
    assertEquals((error.cause as Error).message, "left", deed);
    assertEquals(await pool.execute("next"), "alive");
  }
});
