// Values that go to a job and come back: as structured clone has them.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as echoes from "./fixtures/echo.ts";
import { poolTest } from "./live_workers.ts";

function echoPool(size = 1): ThreadPool<typeof echoes> {
  const module = new URL("./fixtures/echo.ts", import.meta.url);
  return new ThreadPool<typeof echoes>({ module, size });
}

async function roundTrip<T>(value: T): Promise<T> {
  await using pool = echoPool();
  return await pool.execute("echo", [value]) as T;
}

/** What both sides must see: not only equal, but of the same kind. */
function show(value: unknown): string {
  return Deno.inspect(value, { depth: 10, compact: true, breakLength: 999 });
}

const VALUES: Record<string, () => unknown> = {
  "undefined": () => undefined,
  "null": () => null,
  "true": () => true,
  "false": () => false,
  "NaN": () => NaN,
  "-0": () => -0,
  "Infinity": () => -Infinity,
  "the smallest number": () => Number.MIN_VALUE,
  "a bigint": () => -(2n ** 100n),
  "an empty string": () => "",
  "a string beyond ASCII": () => "grüße \u{1F980} \0 \u2028",
  "a lone surrogate": () => "a\ud800b\udc00c",
  "a string of 1 MiB": () => "é".repeat(512 * 1024),
  "an empty object": () => ({}),
  "an empty array": () => [],
  "NaN, -0 and undefined inside of an object": () => ({
    a: NaN,
    b: -0,
    c: undefined,
    d: [undefined, -0, null],
  }),
  "lone surrogates inside of an object": () => ({ "\ud800": ["\udfff"] }),
  "integer-like and empty keys": () => ({ 2: "b", 1: "a", "": 0, "-1": 1 }),
  "a key named constructor": () => ({ constructor: 1, toString: 2, then: 3 }),
  "a key named length": () => ({ length: 3, 0: "a" }),
  "a Date": () => new Date(86_400_000.5),
  "an invalid Date": () => new Date(NaN),
  "a RegExp": () => /a(?<b>.)/giu,
  "a Map": () => new Map<unknown, unknown>([["a", 1], [{ b: 2 }, [3]]]),
  "a Set": () => new Set([1, "a", [2], undefined, NaN]),
  "Maps in Sets in Maps": () => new Map([["a", new Set([new Map([[1, 2]])])]]),
  "boxed primitives": () => [
    new String("ab"),
    new Number(-0),
    new Boolean(false),
    Object(7n),
  ],
  "an ArrayBuffer": () => new Uint8Array([1, 2, 3]).buffer,
  "a Uint8Array": () => new Uint8Array([1, 2, 3]),
  "a Float64Array": () => new Float64Array([1.5, NaN, -0]),
  "a BigInt64Array": () => new BigInt64Array([-1n, 2n]),
  "a DataView": () => new DataView(new Uint8Array([1, 2, 3]).buffer),
  "a view of the middle of a buffer": () =>
    new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "typed arrays inside of objects": () => ({ a: [new Int16Array([-1])] }),
  "a sparse array": () => [1, , 3, ,], // deno-lint-ignore no-sparse-arrays
  "a long sparse array": () => {
    const array: number[] = [];
    array[100_000] = 1;
    return array;
  },
  "a sparse array with a property": () =>
    Object.assign([1, , 3], { extra: "x" }), // deno-lint-ignore no-sparse-arrays
  "an array with a property": () => Object.assign([1, 2], { extra: "x" }),
  "the match of a RegExp": () => /b(?<rest>.*)/.exec("abc"),
  "an array of 5000 numbers": () => Array.from({ length: 5_000 }, (_, i) => i),
  "an array of 5000 objects": () =>
    Array.from({ length: 5_000 }, (_, i) => ({ i })),
  "an object of 5000 keys": () =>
    Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i])),
  "values 500 levels deep": () => nested(500),
};

function nested(levels: number): unknown {
  let value: unknown = "core";
  for (let i = 0; i < levels; i++) value = i % 2 ? { value } : [value];
  return value;
}

poolTest("a value comes back as structured clone has it", async () => {
  await using pool = echoPool();
  for (const [name, make] of Object.entries(VALUES)) {
    const expected = structuredClone(make());
    const actual = await pool.execute("echo", [make()]);
    assertEquals(actual, expected, name);
    assertEquals(show(actual), show(expected), name);
  }
});

poolTest("a value looks in the worker as structured clone has it", async () => {
  await using pool = echoPool();
  for (const [name, make] of Object.entries(VALUES)) {
    const expected = structuredClone(make());
    const actual = await pool.execute("inspectArgs", [make()]);
    assertEquals(actual, show([expected]), name);
  }
});

poolTest(
  "many values that go at once come back each to its own job",
  async () => {
    await using pool = echoPool(2);
    const makers = Object.values(VALUES);
    const jobs = Array.from(
      { length: 500 },
      (_, i) => makers[i % makers.length],
    );
    const results = await Promise.all(
      jobs.map((make) => pool.execute("echo", [make()])),
    );
    for (const [i, result] of results.entries()) {
      assertEquals(result, structuredClone(jobs[i]()), `job ${i}`);
    }
  },
);

poolTest(
  "texts of all sizes come back right, however many there are",
  async () => {
    await using pool = echoPool(2);
    const alphabet = [
      "a",
      "é",
      "€",
      "\u{1F980}",
      "\ud800",
      '"',
      "\\",
      ",",
      "\0",
    ];
    const texts = Array.from({ length: 3_000 }, (_, i) => ({
      text: alphabet[i % alphabet.length].repeat((i * i * 7919) % 4_000),
      i,
    }));
    const results = await Promise.all(
      texts.map((value) => pool.execute("echo", [value])),
    );
    for (const [i, result] of results.entries()) {
      assert(
        (result as typeof texts[0]).text === texts[i].text &&
          (result as typeof texts[0]).i === i,
        `job ${i} got another text`,
      );
    }
  },
);

poolTest(
  "numbers, texts, objects and errors that alternate come back in their places",
  async () => {
    await using pool = new ThreadPool(2);
    function make(i: number): unknown {
      const values = [i, `${i}`, { i }, new Map([[i, i]]), null, [i, [`${i}`]]];
      if (i % 7 === 6) throw new RangeError(`${i}`);
      return values[i % 7];
    }
    const results = await Promise.allSettled(
      Array.from({ length: 3_000 }, (_, i) => pool.execute(make, [i])),
    );
    for (const [i, result] of results.entries()) {
      if (i % 7 === 6) {
        assert(result.status === "rejected", `job ${i}`);
        assertEquals(result.reason.message, `${i}`);
      } else {
        assert(result.status === "fulfilled", `job ${i}`);
        assertEquals(result.value, make(i), `job ${i}`);
      }
    }
  },
);

poolTest("a key named __proto__ stays a key", async () => {
  const value = JSON.parse('{"__proto__": {"a": 1}, "b": 2}');
  for (const sent of [value, { inner: value }, { inner: value, n: 1n }]) {
    const result = await roundTrip<typeof sent>(sent);
    const object = result.inner ?? result;
    assertEquals(Object.keys(object), ["__proto__", "b"]);
    assertStrictEquals(Object.getPrototypeOf(object), Object.prototype);
  }
});

poolTest(
  "an object without a prototype comes back as a plain object",
  async () => {
    const bare = Object.assign(Object.create(null), { a: 1 });
    for (const value of [bare, { bare, n: 1n }]) {
      const result = await roundTrip<typeof value>(value);
      const object = result.bare ?? result;
      assertEquals(object.a, 1);
      assertStrictEquals(Object.getPrototypeOf(object), Object.prototype);
    }
  },
);

poolTest(
  "an instance of a class comes back as a plain object of its own fields",
  async () => {
    class Point {
      #secret = 3;
      constructor(public x: number, public y: number) {}
      get sum() {
        return this.x + this.y + this.#secret;
      }
    }
    const result = await roundTrip<object>(new Point(1, 2));
    assertEquals(result, { x: 1, y: 2 });
    assertStrictEquals(Object.getPrototypeOf(result), Object.prototype);
  },
);

poolTest("a getter is read, and comes back as its value", async () => {
  const result = await roundTrip({
    get a() {
      return [1];
    },
  });
  assertEquals(Object.getOwnPropertyDescriptor(result, "a")?.value, [1]);
});

poolTest("what structured clone leaves out stays behind", async () => {
  const value = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", {
    value: () => {},
    enumerable: false,
  });
  assertEquals(Reflect.ownKeys(await roundTrip(value)), ["a"]);
});

poolTest(
  "an Error that is an argument keeps its class, message, stack and cause",
  async () => {
    const error = new RangeError("far", { cause: new TypeError("wrong") });
    const [result] = await roundTrip([error]);
    assertInstanceOf(result, RangeError);
    assertEquals([result.message, result.stack], ["far", error.stack]);
    assertInstanceOf(result.cause, TypeError);
  },
);

poolTest(
  "an object that sits at two places of a job is one object there",
  async () => {
    await using pool = new ThreadPool(1);
    function same(a: unknown, b: unknown, list: unknown[]): boolean[] {
      return [a === b, a === list[0], list[0] === list[1]];
    }
    for (
      const shared of [{ x: 1 }, [1], new Map([[1, 2]]), new Uint8Array(2)]
    ) {
      const args: [unknown, unknown, unknown[]] = [
        shared,
        shared,
        [shared, shared],
      ];
      assertEquals(await pool.execute(same, args), [true, true, true]);
    }
  },
);

poolTest(
  "an object that sits at two places of a result is one object there",
  async () => {
    await using pool = new ThreadPool(1);
    const [a, b] = await pool.execute(() => {
      const object = { x: 1 };
      return [object, object];
    });
    assertStrictEquals(a, b);
  },
);

poolTest("two views of one buffer share it in the worker", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(4);
  const seen = await pool.execute((a: Uint8Array, b: { view: Uint16Array }) => {
    a[0] = 7;
    return b.view[0];
  }, [new Uint8Array(buffer), { view: new Uint16Array(buffer) }]);
  assertEquals(seen & 0xff, 7);
});

poolTest("cycles survive, there and back", async () => {
  interface Node {
    self?: Node;
    list: unknown[];
    map: Map<string, unknown>;
  }
  const node: Node = { list: [], map: new Map() };
  node.self = node;
  node.list.push(node.list, node);
  node.map.set("node", node);
  const result = await roundTrip(node);
  assertStrictEquals(result.self, result);
  assertStrictEquals(result.list[0], result.list);
  assertStrictEquals(result.list[1], result);
  assertStrictEquals(result.map.get("node"), result);
});

poolTest("a SharedArrayBuffer is shared, not cloned", async () => {
  await using pool = new ThreadPool(1);
  const shared = new Int32Array(new SharedArrayBuffer(4));
  await pool.execute((words: Int32Array) => void Atomics.add(words, 0, 5), [
    shared,
  ]);
  assertEquals(shared[0], 5);
});

poolTest("a Blob and a WebAssembly.Module can be cloned", async () => {
  await using pool = new ThreadPool(1);
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const module = new WebAssembly.Module(bytes);
  const [text, isModule] = await pool.execute(
    async (blob: Blob, module: WebAssembly.Module) =>
      [await blob.text(), module instanceof WebAssembly.Module] as const,
    [new Blob(["blob"]), module],
  );
  assertEquals([text, isModule], ["blob", true]);
});

poolTest("execute() does not change its caller's objects", async () => {
  await using pool = echoPool();
  const inner = Object.freeze({ list: Object.freeze([1, { a: 2n }]) });
  const args = Object.freeze([Object.freeze({ inner, m: new Map([[1, 2]]) })]);
  const before = show(args);
  await pool.execute("echoAll", args as never);
  assertEquals(show(args), before);
  assertStrictEquals(args[0].inner, inner);
});

poolTest("missing arguments are undefined, further ones arrive", async () => {
  await using pool = new ThreadPool(1);
  // deno-lint-ignore no-explicit-any
  const count = (...args: any[]) => [args.length, typeof args[1]];
  assertEquals(await pool.execute(count, []), [0, "undefined"]);
  assertEquals(await pool.execute(count, [1, undefined, 3]), [3, "undefined"]);
});

poolTest(
  "100 000 arguments' worth of data in one array go there and back",
  async () => {
    const list = Array.from({ length: 100_000 }, (_, i) => [i, `${i}`]);
    assertEquals((await roundTrip(list)).at(-1), [99_999, "99999"]);
  },
);

poolTest("a proxy of plain data arrives as a copy of the data", async () => {
  const proxy = new Proxy({ a: [1], b: 2n }, {});
  assertEquals(await roundTrip<unknown>(proxy), { a: [1], b: 2n });
  assertEquals(
    await roundTrip<unknown>(new Map([["key", new Proxy([1, 2], {})]])),
    new Map([["key", [1, 2]]]),
  );
});

poolTest("a getter runs once, whichever way its object goes", async () => {
  await using pool = new ThreadPool(1);
  const count = (...args: unknown[]) => args.length;
  const made: Record<string, () => unknown> = {
    "plain data": () => 1,
    "what JSON has not": () => NaN,
    "what is no plain data": () => new Map(),
    "a long text": () => "x".repeat(20_000),
    "what moves by a mark": () => transfer(new ArrayBuffer(4)),
    "what moves by itself": () => new ReadableStream(),
  };
  for (const [name, make] of Object.entries(made)) {
    for (const beside of [1, 1n]) {
      let reads = 0;
      const value = () => ({
        first: { a: [1] },
        get part() {
          reads++;
          return make();
        },
        last: beside,
      });
      await pool.execute(count, [value(), beside]);
      assertEquals(reads, 1, name);
      await pool.execute(count, [[transfer(value())]]);
      assertEquals(reads, 2, name);
    }
  }
});

poolTest("a getter of a result runs once", async () => {
  await using pool = new ThreadPool(1);
  function read(length: number, beside: unknown): unknown {
    let reads = 0;
    const text = "x".repeat(length);
    return {
      beside,
      get text() {
        return `${++reads}${text}`;
      },
    };
  }
  for (const length of [1, 100, 10_000, 15_000, 20_000]) {
    for (const beside of [1, 1n, NaN]) {
      const results = await Promise.all(
        Array.from({ length: 40 }, () => pool.execute(read, [length, beside])),
      ) as { text: string; beside: unknown }[];
      for (const result of results) {
        assertEquals(result.text, `1${"x".repeat(length)}`);
        assertEquals(result.beside, beside);
      }
    }
  }
});

poolTest("a proxy is asked once for each of its parts", async () => {
  await using pool = echoPool();
  for (const last of [1, 1n]) {
    const asked: PropertyKey[] = [];
    const proxy = new Proxy({ a: 1, b: { c: 2 }, last }, {
      get: (target, key) => (asked.push(key), Reflect.get(target, key)),
    });
    assertEquals(await pool.execute("echo", [[proxy]]), [{
      a: 1,
      b: { c: 2 },
      last,
    }]);
    assertEquals(
      asked.filter((key) => ["a", "b", "last"].includes(key as string)),
      ["a", "b", "last"],
    );
  }
});
