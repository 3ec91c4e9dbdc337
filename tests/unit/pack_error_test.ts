// Tests packError() and unpackError(): what arrives of a thrown value.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { packError } from "../../src/values/pack_error.ts";
import { unpackError } from "../../src/values/unpack_error.ts";

type Thrown = Error & Record<string, unknown>;

/** Packs, clones and unpacks a thrown value. */
function sent(thrown: unknown): Thrown {
  return unpackError(structuredClone(packError(thrown))) as Thrown;
}

/** Returns all error classes of the runtime, with their paths. */
function errorClasses(): [path: string, Class: unknown][] {
  const namespaces: Record<string, object> = {
    "": globalThis,
    "WebAssembly.": WebAssembly,
    "Deno.errors.": Deno.errors,
  };
  return Object.entries(namespaces).flatMap(([prefix, namespace]) => {
    return Object.getOwnPropertyNames(namespace)
      .map((name) => [prefix + name, Reflect.get(namespace, name)] as const)
      .filter(([, Class]) =>
        Class === Error || Class?.prototype instanceof Error
      ).map(([path, Class]): [string, unknown] => [path, Class]);
  });
}

/** Constructor arguments of some classes. */
const ARGUMENTS: Record<string, unknown[]> = {
  AggregateError: [[new TypeError("one")], "wrong"],
  SuppressedError: [new TypeError("one"), new RangeError("two"), "wrong"],
  GPUPipelineError: ["wrong", { reason: "internal" }],
  QuotaExceededError: ["wrong", { quota: 5, requested: 7 }],
};

Deno.test("an error of any built-in class keeps its class", () => {
  const classes = errorClasses();
  assert(classes.length > 35, `only ${classes.length} classes`);
  for (const [path, Class] of classes) {
    const Make = Class as new (...args: unknown[]) => Error;
    const error = new Make(...ARGUMENTS[path] ?? ["wrong"]);
    const copy = sent(error);
    assertStrictEquals(copy.constructor, error.constructor, path);
    for (
      const key of ["name", "message", "code", "quota", "requested", "reason"]
    ) {
      assertEquals(Reflect.get(copy, key), Reflect.get(error, key), path);
    }
    assertFalse("cause" in copy);
    assertEquals(Object.keys(copy), Object.keys(error), path);
  }
});

Deno.test("an error keeps its message, and its stack without the pool's frames", () => {
  const copy = sent(new RangeError("wrong"));
  assertEquals(copy.message, "wrong");
  assertMatch(copy.stack!, /^RangeError: wrong\n.*pack_error_test\.ts/);
  assertEquals(sent(new Error()).message, "");
  assertEquals(
    sent(Object.assign(new Error("m"), { stack: 42 })).stack,
    undefined,
  );
});

Deno.test("an error of a custom class keeps its name, properties and built-in base class", () => {
  class CustomError extends TypeError {
    override name = "Custom";
    code = 42;
    details = { list: [1, 2], at: new Date(0) };
  }
  class UnnamedError extends Deno.errors.NotFound {}
  const copy = sent(new CustomError("m"));
  assertInstanceOf(copy, TypeError);
  assertEquals([copy.name, copy.code, copy.details], [
    "Custom",
    42,
    { list: [1, 2], at: new Date(0) },
  ]);
  assertEquals(Object.keys(copy), ["code", "details"]);
  const unnamed = sent(new UnnamedError("m"));
  assertInstanceOf(unnamed, Deno.errors.NotFound);
  assertEquals(unnamed.name, "UnnamedError");
  assertEquals(
    sent(Object.assign(new Error("m"), { name: "Own" })).name,
    "Own",
  );
  assertEquals(sent(new DOMException("m", "AbortError")).name, "AbortError");
});

Deno.test("an error with its own toString() can be converted to a string", () => {
  const error = Object.assign(new RangeError("far"), {
    toString: () => "own",
    other: () => 1,
  });
  const arrived = sent(error);
  assertEquals(String(arrived), "RangeError: far");
  assertEquals(typeof arrived.other, "string");
});

Deno.test("causes arrive: errors keep their class, and a cycle stays a cycle", () => {
  const inner = new TypeError("inner");
  const outer = new Error("outer", { cause: inner });
  assertInstanceOf(sent(outer).cause, TypeError);
  inner.cause = outer;
  const copy = sent(outer);
  assertStrictEquals((copy.cause as Error).cause, copy);
  assert("cause" in sent(new Error("m", { cause: undefined })));
  const cause = { a: [1n], m: new Map() };
  assertEquals(sent(new Error("m", { cause })).cause, cause);
  const { cause: text } = sent(new Error("m", { cause: Symbol("s") }));
  assertEquals(text, "Symbol(s)");
});

Deno.test("a chain of 20 000 causes is truncated", () => {
  let error = new Error("error 0");
  for (let i = 1; i < 20_000; i++) {
    error = new RangeError(`error ${i}`, { cause: error });
  }
  let last: unknown = sent(error);
  let length = 0;
  for (; last instanceof Error; length++) last = last.cause;
  assertEquals([length, last], [101, "RangeError: error 19898"]);
});

Deno.test("errors in the properties of an error stay errors", () => {
  const own = Object.assign(new Error("m"), { inner: new RangeError("inner") });
  assertInstanceOf(sent(own).inner, RangeError);
  const self = new Error("m") as Thrown;
  self.self = self;
  const copy = sent(self);
  assertStrictEquals(copy.self, copy);
  class Several extends AggregateError {
    extra = "x";
  }
  const several = sent(
    new Several([own, 2, { three: 3 }], "m", { cause: "c" }),
  );
  assertInstanceOf(several, AggregateError);
  assertEquals([several.name, several.cause, several.extra], [
    "Several",
    "c",
    "x",
  ]);
  assertInstanceOf(several.errors[0], Error);
  assertEquals(several.errors.slice(1), [2, { three: 3 }]);
  const both = sent(new SuppressedError(new RangeError("new"), "old", "m"));
  assertInstanceOf(both.error, RangeError);
  assertEquals(both.suppressed, "old");
});

Deno.test("values that are not errors arrive as clones, or as text", () => {
  for (const value of [42, undefined, null, "text", 7n, { a: [new Date(0)] }]) {
    assertEquals(sent(value) as unknown, value);
  }
  assertEquals(sent(Symbol("s")) as unknown, "Symbol(s)");
  const thrown = { status: 404, list: [1, () => 2], retry() {} };
  assertEquals(
    sent(thrown) as unknown,
    { status: 404, list: [1, "a function"], retry: "function retry" },
  );
  assertEquals(sent(Promise.resolve()) as unknown, "[object Promise]");
});

Deno.test("a property with parts that cannot be cloned keeps its other parts", () => {
  const config: Record<string, unknown> = { url: "/a", transform: [() => 1] };
  config.self = config;
  const error = Object.assign(new Error("m"), { config });
  const arrived = (sent(error) as unknown as typeof error).config;
  assertEquals(arrived.url, "/a");
  assertEquals(arrived.transform, ["a function"]);
  assertStrictEquals(arrived.self, arrived);
});

Deno.test("maps, sets and nested errors keep the parts that can be cloned", () => {
  const cause: Record<string, unknown> = { code: 3, retry() {} };
  const inner = cause.inner = new RangeError("inner", { cause });
  const error = Object.assign(new Error("m"), {
    headers: new Map<unknown, unknown>([["retry", 5], ["hook", () => 1]]),
    list: new Set([1, () => 1]),
    inners: [inner],
  });
  const arrived = sent(error) as unknown as typeof error;
  assertEquals(arrived.headers.get("retry"), 5);
  assertEquals(arrived.headers.get("hook"), "a function");
  assertEquals([...arrived.list] as unknown[], [1, "a function"]);
  const [copy] = arrived.inners;
  assertInstanceOf(copy, RangeError);
  assertEquals([copy.name, copy.message], ["RangeError", "inner"]);
  const { code, retry, inner: itself } = copy.cause as typeof cause;
  assertEquals([code, retry], [3, "function retry"]);
  assertStrictEquals(itself, copy);
});

Deno.test("an error in a property stays as enumerable as it was", () => {
  const inner = new RangeError("inner");
  const error = Object.assign(new Error("m", { cause: 1 }), { inner });
  assertEquals(Object.keys(sent(error)), ["inner"]);
  const suppressed = new SuppressedError(inner, error, "m");
  assertEquals(Object.keys(sent(suppressed)), []);
});

Deno.test("packError() never throws", () => {
  const trap = () => {
    throw new Error("trap");
  };
  const traps = new Proxy(new Error("m"), {
    get: trap,
    getPrototypeOf: trap,
    ownKeys: trap,
    has: trap,
  });
  assertEquals(sent(traps) as unknown, "a object without a text");
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assertEquals(sent(proxy) as unknown, "a object without a text");
  const getter = Object.defineProperty(new RangeError("m"), "bad", {
    enumerable: true,
    get: trap,
  });
  assertEquals(sent(getter).message, "m");
  const noMessage = Object.defineProperty(new RangeError(), "message", {
    get: trap,
  });
  assertInstanceOf(sent(noMessage), RangeError);
  const odd = Object.assign(new Error(), { name: 42, message: Symbol("m") });
  assertEquals([sent(odd).name, sent(odd).message], ["42", "Symbol(m)"]);
  assertEquals(sent(Object.freeze(new TypeError("m"))).message, "m");
  assertInstanceOf(sent(Object.create(Error.prototype)), Error);
  const helper = Object.assign(new RangeError("m"), { kept: 1, helper() {} });
  assertEquals([sent(helper).kept, typeof sent(helper).helper], [1, "string"]);
});

Deno.test("an error of a class whose name is not a string uses the error's own name", () => {
  class Odd extends Error {
    static override name = (() => "Odd") as unknown as string;
  }
  const { name, message } = sent(new Odd("m"));
  assertEquals([name, message], ["Error", "m"]);
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
}

Deno.test("an error keeps non-enumerable properties, but not methods and internals of its class", () => {
  const error = new AggregateError([new Error("inner")], "outer");
  Object.defineProperties(error, {
    issues: { value: [{ path: ["name"], input: Symbol("s") }] },
    parts: { value: { input: () => "a class's own" } },
    draft: { value: revoked() },
    inner: { value: new RangeError("hidden") },
    format: { value: () => "text" },
  });
  const copy = sent(error) as AggregateError & Record<string, unknown>;
  assertEquals(copy.issues, [{ path: ["name"], input: "Symbol(s)" }]);
  assertFalse("parts" in copy);
  assertInstanceOf(copy.inner, RangeError);
  assertEquals(Object.keys(copy), []);
  assertEquals(copy.errors.length, 1);
  assertFalse("format" in copy);
});

Deno.test("packError() takes values apart to a depth of 100", () => {
  let value: unknown = { run() {} };
  for (let i = 0; i < 150; i++) value = { value };
  let { e } = unpackError(packError({ e: value })) as Record<string, unknown>;
  let depth = 0;
  for (; typeof e === "object"; depth++) e = (e as { value: unknown }).value;
  assertEquals([depth, e], [100, "[object Object]"]);
});
