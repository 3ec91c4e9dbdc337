// What cannot be cloned: the job alone is rejected, and told where it sits.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

// deno-lint-ignore no-explicit-any
const count = (...args: any[]) => args.length;

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function detachedBuffer(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function lockedStream(): ReadableStream {
  const stream = new ReadableStream();
  stream.getReader();
  return stream;
}

function lockedResponse(): Response {
  const response = new Response("body");
  response.body!.getReader();
  return response;
}

function usedRequest(): Request {
  const request = new Request("http://a", { method: "POST", body: "body" });
  request.body!.cancel();
  return request;
}

/** Each with where it sits, as the message is to say it. */
const ARGUMENTS: Record<string, [place: string, () => unknown[]]> = {
  "a function": ["args[0]", () => [() => {}]],
  "a named function": ["helper", () => [function helper() {}]],
  "a class": ["args[0]", () => [class {}]],
  "a symbol": ["args[1]", () => [1, Symbol("s")]],
  "a function in an object": ["args[0].a.b", () => [{ a: { b: () => {} } }]],
  "a function in an array": ["args[0][2]", () => [[1, 2, () => {}]]],
  "a function at an odd key": ['args[0]["a b"]', () => [{ "a b": () => {} }]],
  "a method": ["args[0].then", () => [{ then() {} }]],
  "a function in a Map": ["args[0]", () => [new Map([["key", () => {}]])]],
  "a function as a key of a Map": ["args[0]", () => [new Map([[() => {}, 1]])]],
  "a function in a Set": ["args[0]", () => [new Set([() => {}])]],
  "a function in an instance": [
    "args[0].field",
    () => [
      new class {
        field = () => {};
      }(),
    ],
  ],
  "a function in a long array": [
    "1500",
    () => [Array.from({ length: 2_000 }, (_, i) => i === 1_500 ? () => {} : i)],
  ],
  "a function among many keys": ["args[0].k1999", () => [
    Object.fromEntries(
      Array.from({ length: 2_000 }, (_, i) => [`k${i}`, () => {}]).slice(1_999),
    ),
  ]],
  "a promise": ["args[0]", () => [Promise.resolve(1)]],
  "a WeakMap": ["args[0].map", () => [{ map: new WeakMap() }]],
  "a WeakSet": ["args[0]", () => [new WeakSet()]],
  "a WeakRef": ["args[0]", () => [new WeakRef({})]],
  "a generator": ["args[0]", () => [(function* () {})()]],
  "an iterator": ["args[0]", () => [[1].values()]],
  "an iterator of a Map": ["args[0]", () => [new Map().entries()]],
  "a boxed symbol": ["args[0]", () => [Object(Symbol("s"))]],
  "an instance without properties": ["args[0]", () => [new class {}()]],
  "an instance of private fields": ["args[0].hidden", () => [{
    hidden: new class {
      #field = 1;
      get field() {
        return this.#field;
      }
    }(),
  }]],
  "an EventTarget": ["args[0]", () => [new EventTarget()]],
  "an AbortController": ["args[0]", () => [new AbortController()]],
  "a URLPattern": ["args[0].pattern", () => [{ pattern: new URLPattern() }]],
  "a TextDecoder": ["args[0]", () => [new TextDecoder()]],
  "a Request that is used": ["args[0]", () => [usedRequest()]],
  "a Response whose body is locked": ["args[0][1]", () => [
    [0, lockedResponse()],
  ]],
  "a Temporal object": ["args[0]", () => [Temporal.Now.instant()]],
  "a FinalizationRegistry": [
    "args[0]",
    () => [new FinalizationRegistry(() => {})],
  ],
  "a detached buffer": ["args[0]", () => [detachedBuffer()]],
  "a view of a detached buffer": [
    "args[0].view",
    () =>
      [{ view: new Uint8Array(new ArrayBuffer(8)) }].map((value) => {
        structuredClone(value.view, { transfer: [value.view.buffer] });
        return value;
      }),
  ],
  "a function as the cause of an error": [
    "args[0].cause",
    () => [new Error("wrong", { cause: () => {} })],
  ],
  "a ReadableStream that is locked": [
    "args[0].stream",
    () => [{ stream: lockedStream() }],
  ],
  "a reader of a stream": ["args[0]", () => [new ReadableStream().getReader()]],
  "a TransformStream that is locked at one side": ["args[0].transform", () => {
    const transform = new TransformStream();
    transform.readable.getReader();
    return [{ transform }];
  }],
  "a MessagePort that is not to move": ["args[0]", () => {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    port2.close();
    return [port1];
  }],
  "a getter that throws": ["args[0].a.b", () => [{
    a: {
      get b() {
        throw new RangeError("from the getter");
      },
    },
  }]],
  "a getter of an array that throws": [
    "args[0][0]",
    () => [
      Object.defineProperty([1, 2], 0, {
        enumerable: true,
        get() {
          throw new RangeError("from the getter");
        },
      }),
    ],
  ],
  "a proxy that has been revoked": ["args[0]", () => [revokedProxy()]],
};

for (const [name, [place, make]] of Object.entries(ARGUMENTS)) {
  poolTest(
    `execute() rejects with JobCloneError for ${name} among the arguments`,
    async () => {
      await using pool = new ThreadPool(1);
      const [before, error, after] = await Promise.all([
        pool.execute(count, [1, 2]),
        assertRejects(() => pool.execute(count, make()), JobCloneError),
        pool.execute(count, [1]),
      ]);
      assertEquals([before, after], [2, 1]);
      assertStringIncludes(error.message, place);
    },
  );
}

poolTest("a getter that throws is the cause of the JobCloneError", async () => {
  await using pool = new ThreadPool(1);
  const thrown = new RangeError("from the getter");
  const value = {
    get a() {
      throw thrown;
    },
  };
  const error = await assertRejects(
    () => pool.execute(count, [value]),
    JobCloneError,
  );
  assertEquals(error.cause, thrown);
});

const RESULTS: Record<string, [place: string, () => unknown]> = {
  "a function": ["result", () => () => {}],
  "a symbol": ["result", () => Symbol("s")],
  "a function in an object": ["result.a.b", () => ({ a: { b: () => {} } })],
  "a function in an array": ["result[1]", () => [1, () => {}]],
  "a Map of a symbol": ["result", () => new Map([["a", Symbol("s")]])],
  "a URLPattern": ["result.pattern", () => ({ pattern: new URLPattern() })],
  "a WeakMap": ["result", () => new WeakMap()],
  "an instance without properties": ["result[0]", () => [new class {}()]],
  "an AbortSignal": ["result", () => ({ signal: AbortSignal.abort() })],
  "a stream that is locked": ["result.stream", () => {
    const stream = new ReadableStream();
    stream.getReader();
    return { stream };
  }],
  "a Response that is used": ["result", () => {
    const response = new Response("body");
    response.body!.cancel();
    return response;
  }],
  "a boxed symbol": ["result", () => [Object(Symbol("s"))]],
  "a getter that throws": ["result.a", () => ({
    get a() {
      throw new RangeError("from the getter");
    },
  })],
};

for (const [name, [place, make]] of Object.entries(RESULTS)) {
  poolTest(
    `execute() rejects with JobCloneError for ${name} in the result`,
    async () => {
      await using pool = new ThreadPool(1);
      const [before, error, later, after] = await Promise.all([
        pool.execute(count, [1, 2]),
        assertRejects(() => pool.execute(make), JobCloneError),
        assertRejects(() =>
          pool.execute(
            new Function(
              `return async () => (${make.toString()})()`,
            )() as () => Promise<unknown>,
          ), JobCloneError),
        pool.execute(count, [1]),
      ]);
      assertEquals([before, after], [2, 1]);
      assertStringIncludes(error.message, place);
      assertStringIncludes(later.message, place);
      assertEquals(pool.stats().crashed, 0);
    },
  );
}

poolTest("a JobCloneError for a result names the job", async () => {
  await using pool = new ThreadPool(1);
  const error = await assertRejects(
    () =>
      pool.execute(function make() {
        return Symbol("s");
      }),
    JobCloneError,
  );
  assertStringIncludes(error.message, '"make"');
});

for (const levels of [1_000, 4_000, 20_000, 200_000]) {
  poolTest(`values ${levels} levels deep harm only their own job`, async () => {
    await using pool = new ThreadPool(1);
    let deep: unknown = "core";
    for (let i = 0; i < levels; i++) deep = [deep];
    const results = await Promise.allSettled([
      pool.execute(count, [1, 2]),
      pool.execute(count, [deep]),
      pool.execute((value: unknown) => value, [[{ deep }]]),
      pool.execute(count, [1]),
    ]);
    const [before, first, second, after] = results;
    assertEquals([before, after], [
      { status: "fulfilled", value: 2 },
      { status: "fulfilled", value: 1 },
    ]);
    for (const result of [first, second]) {
      if (result.status === "rejected") {
        assertInstanceOf(result.reason, JobCloneError);
      }
    }
    assert(levels > 1_000 || first.status === "fulfilled");
  });
}

poolTest("a result too deep to be sent harms only its own job", async () => {
  await using pool = new ThreadPool(1);
  function deep(levels: number): unknown {
    let value: unknown = "core";
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  }
  const [error, after] = await Promise.all([
    assertRejects(() => pool.execute(deep, [200_000]), JobCloneError),
    pool.execute(count, [1]),
  ]);
  assertStringIncludes(error.message, "deep");
  assertEquals(after, 1);
});

poolTest(
  "a long path is shortened in the middle, and too deep a value said to be so",
  async () => {
    await using pool = new ThreadPool(1);
    let long: object = { last: () => {} };
    for (let i = 0; i < 100; i++) long = { next: long };
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { next: deep };
    const CASES = [[long, ".last (function last) cannot"], [
      deep,
      "too deeply",
    ]];
    for (const [value, said] of CASES) {
      const error = await assertRejects(
        () => pool.execute((value: unknown) => value, [value]),
        JobCloneError,
      );
      assert(error.message.startsWith("args[0].next"), error.message);
      assertStringIncludes(error.message, said as string);
      assert(error.message.length < 150, error.message);
    }
  },
);
