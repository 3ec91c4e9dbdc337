// What a handler throws arrives as what it was.
import { fileURLToPath } from "node:url";
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
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  ThreadPoolError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/errors.ts";
import { poolTest } from "./live_workers.ts";

const module = new URL("./fixtures/errors.ts", import.meta.url);
type Thrown = Error & Record<string, unknown>;

/** What a job that throws is rejected with; both ways of throwing must agree. */
async function thrown(kind: jobs.Kind): Promise<Thrown> {
  await using pool = new ThreadPool<typeof jobs>({ module, size: 1 });
  const [now, later] = await Promise.all([
    pool.execute("throwNow", [kind]).catch((error: unknown) => error),
    pool.execute("throwLater", [kind]).catch((error: unknown) => error),
  ]);
  if (now instanceof Error) {
    assertInstanceOf(later, Error);
    assertEquals([now.name, now.message], [later.name, later.message]);
  } else assertEquals(now, later);
  assertEquals(pool.stats().crashed, 0, "the worker has died");
  return now as Thrown;
}

const BUILT_IN = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
} as const;

for (const [name, Class] of Object.entries(BUILT_IN)) {
  poolTest(
    `a ${name} arrives as a ${name}, with message and stack`,
    async () => {
      const error = await thrown(name as jobs.Kind);
      assertInstanceOf(error, Class);
      assertStrictEquals(error.constructor, Class);
      assertEquals([error.name, error.message], [name, "wrong"]);
      assertStringIncludes(error.stack!, "throwNow");
      assertStringIncludes(error.stack!, "fixtures/errors.ts");
      assertFalse("cause" in error);
      assertEquals(Object.keys(error), []);
    },
  );
}

poolTest("an error without a message arrives without one", async () => {
  assertEquals((await thrown("empty")).message, "");
});

poolTest("an AggregateError keeps its errors and cause", async () => {
  const error = await thrown("aggregate") as unknown as AggregateError;
  assertInstanceOf(error, AggregateError);
  assertEquals([error.message, error.cause], ["several", "why"]);
  assertInstanceOf(error.errors[0], TypeError);
  assertEquals(error.errors[0].message, "one");
  assertEquals(error.errors.slice(1), [2, { three: 3 }]);
});

poolTest(
  "a subclass of AggregateError keeps its errors, name and properties",
  async () => {
    const error = await thrown("customAggregate");
    assertInstanceOf(error, AggregateError);
    assertEquals([error.name, error.extra], ["CustomAggregate", "x"]);
    assertEquals((error.errors as Thrown[])[0].code, 42);
  },
);

poolTest("a SuppressedError keeps both its errors", async () => {
  const error = await thrown("suppressed") as unknown as SuppressedError;
  assertInstanceOf(error, SuppressedError);
  assertInstanceOf(error.error, RangeError);
  assertInstanceOf(error.suppressed, TypeError);
  assertEquals(error.message, "both");
});

poolTest("a DOMException keeps its name and code", async () => {
  const aborted = await thrown("domException");
  assertInstanceOf(aborted, DOMException);
  assertEquals(
    [aborted.name, aborted.code, aborted.message],
    ["AbortError", DOMException.ABORT_ERR, "aborted"],
  );
  assertStringIncludes(aborted.stack!, "errors.ts");
  const clone = await thrown("dataCloneError");
  assertEquals(clone.code, DOMException.DATA_CLONE_ERR);
});

poolTest("errors of Deno keep their class", async () => {
  const error = await thrown("notFound");
  assertInstanceOf(error, Deno.errors.NotFound);
  assertEquals([error.name, error.message], ["NotFound", "no such file"]);
  assertInstanceOf(await thrown("badResource"), Deno.errors.BadResource);
});

poolTest("an error of a system call keeps class and code", async () => {
  await using pool = new ThreadPool<typeof jobs>({ module, size: 1 });
  const path = fileURLToPath(new URL("./no_such_file", import.meta.url));
  const expected = await Deno.readTextFile(path).catch((error) => error);
  const error = await assertRejects(
    () => pool.execute("readMissing", [path]),
    Deno.errors.NotFound,
  ) as Deno.errors.NotFound & { code: string };
  assertEquals(error.code, expected.code);
  assertEquals(error.message, expected.message);
});

poolTest(
  "an error of an own class keeps name and properties, and its built-in base",
  async () => {
    const error = await thrown("custom");
    assertInstanceOf(error, TypeError);
    assertEquals([error.name, error.message, error.code], [
      "CustomError",
      "custom",
      42,
    ]);
    assertEquals(error.details, { list: [1, 2], at: new Date(0) });
    assertMatch(String(error), /^CustomError: custom/);
  },
);

poolTest(
  "an error of an own class that sets no name goes by its class's",
  async () => {
    const error = await thrown("unnamed");
    assertInstanceOf(error, Error);
    assertEquals(error.name, "UnnamedError");
    const far = await thrown("unnamedRange");
    assertInstanceOf(far, RangeError);
    assertEquals(far.name, "UnnamedRangeError");
  },
);

poolTest(
  "an error that a handler names like one of ours is not one of ours",
  async () => {
    const error = await thrown("queueFull");
    assertEquals(error.name, "QueueFullError");
    assertFalse(error instanceof QueueFullError);
    assertFalse(error instanceof ThreadPoolError);
  },
);

poolTest(
  "an error keeps a name and properties that were put on it",
  async () => {
    assertEquals((await thrown("renamed")).name, "Renamed");
    const { code, errno } = await thrown("coded");
    assertEquals([code, errno], ["E_CODE", -2]);
  },
);

poolTest("a chain of causes arrives whole, each with its class", async () => {
  const { message, cause } = await thrown("nested");
  assertEquals(message, "top");
  assertInstanceOf(cause, TypeError);
  assertEquals([cause.name, (cause as Thrown & Error).code], [
    "CustomError",
    42,
  ]);
  assertInstanceOf(cause.cause, DOMException);
  assertEquals(cause.cause.name, "AbortError");
  assertStringIncludes(cause.stack!, "errors.ts");

  let last = await thrown("chain") as Error;
  for (let i = 49; i >= 0; i--) {
    assertEquals(last.message, `error ${i}`);
    last = last.cause as Error;
  }
});

poolTest("a chain of 20 000 causes harms only its own job", async () => {
  const error = await thrown("longChain");
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "error 19999");
});

poolTest("causes that form a cycle arrive as a cycle", async () => {
  const error = await thrown("cyclic");
  const inner = error.cause as Error;
  assertInstanceOf(inner, TypeError);
  assertStrictEquals(inner.cause, error);
});

poolTest(
  "causes that are no errors arrive, and one that cannot be cloned as its text",
  async () => {
    assert("cause" in await thrown("undefinedCause"));
    assertEquals((await thrown("causeOfText")).cause, "text");
    assertEquals((await thrown("causeOfObject")).cause, {
      a: [1n],
      m: new Map(),
    });
    assertEquals(typeof (await thrown("causeOfFunction")).cause, "string");
  },
);

poolTest(
  "a property that cannot be cloned does not cost the error its others",
  async () => {
    const error = await thrown("propertyOfFunction");
    assertInstanceOf(error, RangeError);
    assertEquals([error.message, error.kept], ["m", 1]);
  },
);

poolTest(
  "a property that is an error stays one, also if it is the error itself",
  async () => {
    const { inner } = await thrown("propertyOfError");
    assertInstanceOf(inner, RangeError);
    assertEquals(inner.message, "inner");
    const error = await thrown("propertyOfItself");
    assertInstanceOf(error.self, RangeError);
    assertEquals(error.self.message, "m");
  },
);

poolTest(
  "an error whose getters throw arrives, and kills no worker",
  async () => {
    const error = await thrown("withGetter");
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "with a getter");
    assertInstanceOf(await thrown("withMessageGetter"), RangeError);
  },
);

poolTest("errors of odd fields arrive, and kill no worker", async () => {
  for (const kind of ["noStack", "oddStack", "created"] as const) {
    const error = await thrown(kind);
    assertInstanceOf(error, Error);
    assertEquals(error.message, "m", kind);
  }
  assertEquals((await thrown("oddName")).message, "m");
  assertEquals(typeof (await thrown("oddMessage")).message, "string");
  assertEquals(typeof (await thrown("symbolMessage")).message, "string");
  assertInstanceOf(await thrown("frozen"), TypeError);
  assertInstanceOf(await thrown("proxy"), TypeError);
});

poolTest("thrown values that are no errors arrive as they are", async () => {
  assertStrictEquals(await thrown("number"), 42 as never);
  assertStrictEquals(await thrown("undefined"), undefined as never);
  assertStrictEquals(await thrown("null"), null as never);
  assertStrictEquals(await thrown("text"), "text" as never);
  assertStrictEquals(await thrown("bigint"), 7n as never);
  assertEquals(
    await thrown("object") as object,
    { a: 1, list: [new Date(0)] },
  );
});

poolTest(
  "thrown values that cannot be cloned arrive as their text",
  async () => {
    assertStringIncludes(String(await thrown("symbol")), "Symbol(thrown)");
    assertStringIncludes(String(await thrown("function")), "thrown");
    for (const kind of ["promise", "uncloneableObject", "revoked"] as const) {
      assert(await thrown(kind) !== undefined, kind);
    }
  },
);

poolTest(
  "of 1000 jobs of which every seventh throws each settles with its own result or error",
  async () => {
    await using pool = new ThreadPool(4);
    class Mine extends RangeError {
      override name = "Mine";
      constructor(readonly job: number) {
        super(`job ${job}`, { cause: new TypeError(`cause ${job}`) });
      }
    }
    assertEquals(new Mine(1).job, 1);
    async function seventh(i: number): Promise<number> {
      class Mine extends RangeError {
        override name = "Mine";
        constructor(readonly job: number) {
          super(`job ${job}`, { cause: new TypeError(`cause ${job}`) });
        }
      }
      if (i % 2) await Promise.resolve();
      if (i % 7 === 6) throw new Mine(i);
      return i * 2;
    }
    const results = await Promise.allSettled(
      Array.from({ length: 1_000 }, (_, i) => pool.execute(seventh, [i])),
    );
    for (const [i, result] of results.entries()) {
      if (i % 7 !== 6) {
        assertEquals(result, { status: "fulfilled", value: i * 2 });
        continue;
      }
      assert(result.status === "rejected", `job ${i} did not fail`);
      const { reason } = result;
      assertInstanceOf(reason, RangeError);
      assertEquals(
        [reason.name, reason.message, (reason as Mine).job],
        ["Mine", `job ${i}`, i],
      );
      assertInstanceOf(reason.cause, TypeError);
      assertEquals(reason.cause.message, `cause ${i}`);
      assertStringIncludes(reason.stack!, "seventh");
    }
    const { completed, failed } = pool.stats();
    assertEquals([completed, failed], [858, 142]);
  },
);

poolTest(
  "a rejection that is not an error arrives from an async handler",
  async () => {
    await using pool = new ThreadPool(1);
    // deno-lint-ignore prefer-primordials
    const error = await pool.execute(() => Promise.reject(undefined))
      .then(() => "resolved", (reason) => reason);
    assertStrictEquals(error, undefined);
  },
);

function whereItIsCalled(pool: ThreadPool): Promise<unknown> {
  return pool.execute(function failing() {
    throw new RangeError("wrong");
  });
}

poolTest("callerStack appends the stack of who called execute()", async () => {
  await using pool = new ThreadPool({ size: 1, callerStack: true });
  const error = await assertRejects(() => whereItIsCalled(pool), RangeError);
  assertMatch(error.stack!, /failing[^]*whereItIsCalled/);
  assertStringIncludes(error.stack!, "errors_test.ts");
  assertFalse(/thread_pool\.ts|intake\.ts/.test(error.stack!), error.stack);
});

poolTest(
  "without callerStack an error has the worker's stack only",
  async () => {
    await using pool = new ThreadPool(1);
    const error = await assertRejects(() => whereItIsCalled(pool), RangeError);
    assertFalse(error.stack!.includes("whereItIsCalled"));
  },
);

poolTest(
  "callerStack leaves thrown values alone that are no errors",
  async () => {
    await using pool = new ThreadPool({ size: 1, callerStack: true });
    const thrown = await pool.execute(() => {
      throw { stack: "mine" };
    }).catch((error: unknown) => error);
    assertEquals(thrown, { stack: "mine" });
  },
);

poolTest("callerStack leaves the signal's reason alone", async () => {
  await using pool = new ThreadPool({ size: 1, callerStack: true });
  for (const reason of [new Error("no longer"), undefined]) {
    const controller = new AbortController();
    const { signal } = controller;
    const submit = (i: number) =>
      pool.execute((i: number) => i, [i], { signal })
        .catch((error: unknown) => error);
    const results = [submit(1), submit(2)];
    controller.abort(reason);
    for (const error of await Promise.all(results)) {
      assertStrictEquals(error, signal.reason);
    }
    assertFalse(signal.reason.stack.includes("submit"), signal.reason.stack);
  }
});

poolTest(
  "callerStack tells callers apart whose jobs fail for one reason",
  async () => {
    const pool = new ThreadPool({ size: 1, callerStack: true });
    function first() {
      return assertRejects(() => pool.execute(() => 1), PoolTerminatedError);
    }
    function second() {
      return assertRejects(() => pool.execute(() => 2), PoolTerminatedError);
    }
    const results = [first(), second()];
    await pool.terminate();
    const [a, b] = await Promise.all(results);
    assertStringIncludes(a.stack!, "first");
    assertFalse(a.stack!.includes("second"));
    assertStringIncludes(b.stack!, "second");
    assertFalse(b.stack!.includes("first"));
  },
);

/** Every class of errors that the runtime has, by the path to it. */
function errorClasses(): string[] {
  const namespaces: Record<string, object> = {
    "": globalThis,
    "WebAssembly.": WebAssembly,
    "Deno.errors.": Deno.errors,
  };
  return Object.entries(namespaces).flatMap(([prefix, namespace]) => {
    return Object.getOwnPropertyNames(namespace).filter((name) => {
      const value = (namespace as Record<string, unknown>)[name];
      return typeof value === "function" &&
        typeof value.prototype === "object" &&
        (value === Error || value.prototype instanceof Error);
    }).map((name) => prefix + name);
  });
}

poolTest("every built-in error class arrives as itself", async () => {
  await using pool = new ThreadPool(1);
  function make(path: string): Error {
    let Class: unknown = globalThis;
    for (const part of path.split(".")) {
      Class = (Class as Record<string, unknown>)[part];
    }
    const Make = Class as new (...args: unknown[]) => Error;
    switch (path) {
      case "AggregateError":
        return new Make([new TypeError("one")], "wrong");
      case "SuppressedError":
        return new Make(new TypeError("one"), new RangeError("two"), "wrong");
      case "GPUPipelineError":
        return new Make("wrong", { reason: "internal" });
      case "QuotaExceededError":
        return new Make("wrong", { quota: 5, requested: 7 });
      default:
        return new Make("wrong");
    }
  }
  const classes = errorClasses();
  assert(classes.length > 35, `only ${classes.length} classes`);
  for (const path of classes) {
    const expected = make(path);
    const thrown = await pool.execute(
      new Function("path", `${make}; throw make(path);`) as (
        path: string,
      ) => never,
      [path],
    ).catch((error: unknown) => error) as Error;
    assertStrictEquals(thrown.constructor, expected.constructor, path);
    assertEquals(
      [thrown.name, thrown.message],
      [expected.name, expected.message],
      path,
    );
    for (const key of ["code", "quota", "requested", "reason"]) {
      assertEquals(Reflect.get(thrown, key), Reflect.get(expected, key), path);
    }
  }
});
