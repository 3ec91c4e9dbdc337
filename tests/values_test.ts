// Values that go to a job and back: what only real workers can show.
// structured_clone_test.ts compares all kinds with `structuredClone()`, and
// unit/pack_test.ts tests views and the memory behind them.
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  PoolTerminatedError,
  ThreadPool,
  transfer,
} from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { type JobPool, makePool, numbersTo, reasonOf } from "./kinds.ts";
import { test } from "./pools.ts";

/** Sends a value to a job and back. */
const echo = <T>(pool: JobPool, value: T) =>
  pool.execute("echo", [value]) as Promise<T>;

/** Returns a text; its size and its characters depend on `i`. */
function textOf(i: number): string {
  const characters = ["a", "é", "€", "\u{1F980}", "\ud800", '"', "\\", "\0"];
  return characters[i % characters.length].repeat((i * i * 7919) % 4_000);
}

test("execute() gives each job its own result or error, of any kind", async () => {
  await using pool = makePool({ size: 2 });
  const make = (i: number): unknown => {
    const text = textOf(i);
    const values = [i, text, { i, text }, new Map([[i, text]]), null, [[text]]];
    return values[i % 7];
  };
  const jobs = numbersTo(3_000).map((i) =>
    i % 7 < 6
      ? pool.execute("echo", [make(i)])
      : pool.execute((i: number) => Promise.reject(new RangeError(`${i}`)), [i])
  );
  for (const [i, result] of (await Promise.allSettled(jobs)).entries()) {
    if (i % 7 < 6) {
      assertEquals(result, { status: "fulfilled", value: make(i) }, `job ${i}`);
    } else {
      assertEquals((result as PromiseRejectedResult).reason.message, `${i}`);
    }
  }
});

test("execute() accepts long, deep and wide values", async () => {
  await using pool = makePool();
  let deep: unknown = "core";
  for (let i = 0; i < 500; i++) deep = i % 2 ? { deep } : [deep];
  const sparse: number[] = [];
  sparse[100_000] = 1;
  const values = [
    deep,
    sparse,
    "é".repeat(512 * 1024),
    numbersTo(100_000).map((i) => [i, `${i}`]),
    Object.fromEntries(numbersTo(5_000).map((i) => [`k${i}`, i])),
  ];
  for (const value of values) {
    const result = await echo(pool, value);
    assert(JSON.stringify(result) === JSON.stringify(value));
  }
});

test("execute() does not change its caller's objects", async () => {
  await using pool = makePool();
  const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const inner = Object.freeze({ list: Object.freeze([1, { a: 2n }]), view });
  const args = Object.freeze([Object.freeze({ inner, m: new Map([[1, 2]]) })]);
  const before = Deno.inspect(args, { depth: 9 });
  await pool.execute("echo", args as never);
  assertEquals(Deno.inspect(args, { depth: 9 }), before);
  assertStrictEquals(args[0].inner.view, view);
  assertEquals([view.byteOffset, view.buffer.byteLength], [1, 4]);
});

test("execute() passes missing arguments as undefined, and passes extra arguments", async () => {
  await using pool = new ThreadPool(1);
  const count = (...args: unknown[]) => [args.length, typeof args[1]];
  assertEquals(await pool.execute(count, []), [0, "undefined"]);
  assertEquals(await pool.execute(count, [1, undefined, 3]), [3, "undefined"]);
});

test("execute() keeps the stack and the cause of an error among the arguments", async () => {
  await using pool = makePool();
  const error = new RangeError("far", { cause: new TypeError("wrong") });
  const [result] = await echo(pool, [error]);
  assertInstanceOf(result, RangeError);
  assertEquals([result.message, result.stack], ["far", error.stack]);
  assertInstanceOf(result.cause, TypeError);
});

test("execute() shares a SharedArrayBuffer, and carries the content of a Blob and a WebAssembly.Module", async () => {
  await using pool = new ThreadPool(1);
  const words = new Int32Array(new SharedArrayBuffer(4));
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const seen = await pool.execute(
    async (words: Int32Array, blob: Blob, module: WebAssembly.Module) => {
      Atomics.add(words, 0, 5);
      return [await blob.text(), WebAssembly.Module.exports(module).length];
    },
    [words, new Blob(["blob"]), new WebAssembly.Module(bytes)],
  );
  assertEquals(seen, ["blob", 0]);
  assertEquals(words[0], 5);
});

test("execute() reads a getter of an argument once, for any kind of value", async () => {
  await using pool = new ThreadPool(1);
  const count = (...args: unknown[]) => args.length;
  const made: Record<string, () => unknown> = {
    "plain data": () => 1,
    "a value that JSON lacks": () => NaN,
    "a value that is not plain data": () => new Map(),
    "a long text": () => "x".repeat(20_000),
    "a value that moves by a mark": () => transfer(new ArrayBuffer(4)),
    "a value that moves by itself": () => new ReadableStream(),
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

test("execute() reads a getter of a result once", async () => {
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
  for (const length of [1, 10_000, 15_000, 20_000]) {
    for (const beside of [1, 1n, NaN]) {
      const jobs = numbersTo(20).map(() =>
        pool.execute(read, [length, beside])
      );
      const expected = { beside, text: `1${"x".repeat(length)}` };
      for (const result of await Promise.all(jobs)) {
        assertEquals(result, expected);
      }
    }
  }
});

test("execute() does not run a job if a getter in its arguments aborts it or terminates the pool", async () => {
  const pool = makePool();
  const client = new AbortController();
  using runs = new Gate();
  const aborting = {
    get key() {
      client.abort("early");
      return runs.key;
    },
  };
  const arrive = ({ key }: { key: SharedArrayBuffer }) =>
    Atomics.add(new Int32Array(key), 0, 1);
  const aborted = pool.execute(arrive, [aborting], client);
  assertEquals(await reasonOf(aborted), "early");
  await pool.execute("echo", [1]);
  const terminating = {
    get key() {
      pool.terminate("enough");
      return runs.key;
    },
  };
  await assertRejects(
    () => pool.execute(arrive, [terminating]),
    PoolTerminatedError,
  );
  await pool.drain();
  assertEquals(runs.count, 0);
});

test("execute() reads each part of a proxy once, and sends a copy", async () => {
  await using pool = makePool();
  for (const last of [1, 1n]) {
    const asked: PropertyKey[] = [];
    const proxy = new Proxy({ a: 1, b: { c: 2 }, last }, {
      get: (target, key) => (asked.push(key), Reflect.get(target, key)),
    });
    const list = [proxy, new Map([["key", new Proxy([1, 2], {})]])] as const;
    assertEquals(await pool.execute("echo", [list]), [
      { a: 1, b: { c: 2 }, last },
      new Map([["key", [1, 2]]]),
    ]);
    assertEquals(
      asked.filter((key) => ["a", "b", "last"].includes(String(key))),
      [
        "a",
        "b",
        "last",
      ],
    );
  }
});

/** Objects that are passed to 100 jobs at once, and how a job changes each. */
const CHANGED: [value: () => unknown, change: (value: never) => number][] = [
  [() => ({ marks: 0 }), (value: { marks: number }) => value.marks++],
  [
    () => ({ value: { marks: 0 }, n: 1n }),
    (holder: { value: { marks: number } }) => holder.value.marks++,
  ],
  [() => [], (list: unknown[]) => list.push("mark") - 1],
  [() => new Array(3_000).fill(1), (list: unknown[]) => list.push(1) - 3_001],
  [
    () => new Map([["a", 1]]),
    (map: Map<string, number>) => map.set(`mark ${map.size}`, 1).size - 2,
  ],
  [() => new Uint8Array(4), (bytes: Uint8Array) => bytes[0]++],
];

test("execute() gives each job its own copy if many jobs receive one object", async () => {
  await using pool = new ThreadPool(1);
  for (const [make, change] of CHANGED) {
    const args = [make()];
    const jobs = numbersTo(100).map(() => pool.execute(change, args as never));
    assertEquals(await Promise.all(jobs), new Array(100).fill(0));
    assertEquals(args, [make()]);
  }
});

test("execute() gives each caller its own copy if many jobs return one object", async () => {
  await using pool = new ThreadPool(1);
  function give(isPlain: boolean) {
    const scope = globalThis as { kept?: { list: number[]; map?: unknown } };
    scope.kept ??= { list: [1, 2] };
    return isPlain ? scope.kept : { ...scope.kept, map: new Map([["a", 1]]) };
  }
  for (const isPlain of [true, false]) {
    const jobs = numbersTo(100).map(() => pool.execute(give, [isPlain]));
    const objects = await Promise.all(jobs);
    assertEquals(new Set(objects.map(({ list }) => list)).size, 100);
    objects[0].list.push(3);
    assertEquals(objects[1].list, [1, 2]);
    assertEquals((await pool.execute(give, [isPlain])).list, [1, 2]);
  }
});

/** Returns the memory behind a view as text. */
const behind = ({ buffer }: Uint8Array) =>
  new TextDecoder().decode(new Uint8Array(buffer));

test("execute() sends a small Buffer without the memory that it shares, in both directions", async () => {
  await using pool = new ThreadPool(1);
  const secret = Buffer.from("secret");
  const harmless = Buffer.from("harmless");
  assertStrictEquals(secret.buffer, harmless.buffer);
  const look = (list: Set<Uint8Array>) => {
    const [{ buffer }] = list;
    return new TextDecoder().decode(new Uint8Array(buffer));
  };
  for (const list of [[harmless], new Set([harmless])] as unknown[]) {
    assertEquals(
      await pool.execute(look, [list as Set<Uint8Array>]),
      "harmless",
    );
  }
  const result = await pool.execute(async () => {
    const { Buffer } = await import("node:buffer");
    Buffer.from("secret");
    return new Map([["a", Buffer.from("harmless")]]);
  });
  assertEquals(behind(result.get("a")!), "harmless");
});

test("execute() recognizes values of another realm, in both directions", async () => {
  await using pool = makePool();
  const sources = [
    'Object.assign(new TypeError("x"), { code: 1 })',
    "Object.assign(new Date(5), { a: 1 })",
    "Object.assign(new Map([[1, 2]]), { a: 1 })",
    "Object.assign(new Set([1]), { a: 1 })",
    "Object.assign(/x/g, { a: 1 })",
    'Object("ab")',
    "new DataView(new ArrayBuffer(3))",
    "new Uint8Array([1, 2])",
    "({ a: [1] })",
  ];
  for (const source of sources) {
    const value: unknown = runInNewContext(source);
    const cloned: unknown = structuredClone(value);
    assertEquals(await echo(pool, value), cloned, source);
  }
});

test("an error of another realm keeps its class, message and properties", async () => {
  await using pool = makePool();
  const error = await reasonOf(pool.execute("throwsElsewhere"));
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "foo");
  assertEquals((error as { code?: unknown }).code, 1);
});
