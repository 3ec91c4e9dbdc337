// Values of the web platform that keep their class, and values that are refused.
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, type ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/web_values.ts";
import { rows, suite } from "./moving_pools.ts";
import { show } from "./streams.ts";

/** Sends a value to a job and back. */
async function echo<T>(
  pool: ThreadPool<typeof jobs>,
  value: T,
  transfer: Transferable[] = [],
): Promise<T> {
  return await pool.execute("echo", [value], { transfer }) as T;
}

function form(...fields: string[]): FormData {
  const form = new FormData();
  for (const field of fields) form.append("a", field);
  return form;
}

const COOKIES: [string, string][] = [["set-cookie", "a=1"], ["X-A", "2"], [
  "set-cookie",
  "b=2",
]];
const PIXELS = new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]);

const VALUES: Record<string, () => object> = {
  "URL": () => new URL("https://u:p@a.test:8080/b%20c?d=%C3%BC&d=2#e"),
  "URL of a file": () => new URL("file:///a/b.ts"),
  "URLSearchParams": () => new URLSearchParams("a=1&b=%C3%BC&a=2&c="),
  "empty URLSearchParams": () => new URLSearchParams(),
  "Headers": () => new Headers([["x-a", "1"], ...COOKIES]),
  "empty Headers": () => new Headers(),
  "FormData": () => form("1", "ü"),
  "empty FormData": () => form(),
  "ImageData": () =>
    new ImageData(PIXELS.slice(), 1, 2, { colorSpace: "display-p3" }),
};

/** Returns the visible contents of a value. */
function look(value: object): unknown {
  if (value instanceof ImageData) {
    const { width, height, colorSpace, data } = value;
    return [width, height, colorSpace, data.constructor.name, ...data];
  }
  return value instanceof URL ? value.href : [...value as Headers];
}

class Empty {}
class Hidden {
  #field = 1;
  get field() {
    return this.#field;
  }
}

/** Values that would arrive as `{}`, by their name in the message. */
const REFUSED: Record<string, () => unknown> = {
  Empty: () => new Empty(),
  Hidden: () => new Hidden(),
  WeakMap: () => new WeakMap(),
  WeakSet: () => new WeakSet(),
  WeakRef: () => new WeakRef({}),
  Promise: () => Promise.resolve(1),
  AbortController: () => new AbortController(),
  EventTarget: () => new EventTarget(),
  Event: () => new Event("a"),
  URLPattern: () => new URLPattern(),
  TextDecoder: () => new TextDecoder(),
  TextDecoderStream: () => new TextDecoderStream(),
  CompressionStream: () => new CompressionStream("gzip"),
  FileReader: () => new FileReader(),
  SubtleCrypto: () => crypto.subtle,
  CountQueuingStrategy: () => new CountQueuingStrategy({ highWaterMark: 1 }),
  "Intl.DateTimeFormat": () => new Intl.DateTimeFormat(),
  "Temporal.Instant": () => Temporal.Now.instant(),
};

const module = new URL("./fixtures/web_values.ts", import.meta.url);

suite<typeof jobs>({
  name: "Values of the web platform",
  options: { module },
  cases: {
    ...rows(
      VALUES,
      (name) => `execute() carries a value as what it is: ${name}`,
      async ({ pool }, make) => {
        const value = make();
        const { name } = value.constructor;
        assertEquals(await pool.execute("classOf", [value]), [name, true]);
        assertEquals(await pool.execute("inspectArgs", [value]), show([value]));
        const back = await echo(pool, value);
        assertEquals(back.constructor, value.constructor);
        assertNotStrictEquals(back, value);
        assertEquals(look(back), look(make()));
        // The caller's value is unchanged.
        assertEquals(look(value), look(make()));

        const nested = () => ({
          list: [1, [make()], , "a"], // deno-lint-ignore no-sparse-arrays
          map: new Map([["value", make()], ["k", { k: make() }]]),
          keys: new Map([[make(), 1]]),
          set: new Set([make(), 2]),
          plain: { date: new Date(0), bytes: new Uint8Array([1]) },
        });
        const backNested = await echo(pool, nested());
        assertEquals(show(backNested), show(nested()));
        assertEquals(look(backNested.map.get("value")!), look(make()));
      },
    ),

    "execute() carries a FormData with its files": async ({ pool }) => {
      const text = form("1");
      text.append("b", new File(["text"], "ü.txt", { type: "text/plain" }));
      text.append("b", new Blob(["blob"], { type: "x/y" }), "name");
      const back = await echo(pool, text);
      const files = back.getAll("b") as File[];
      assertEquals(back.get("a"), "1");
      assertEquals(
        await Promise.all(files.map(async (file) => {
          return [file.name, file.type, await file.text()];
        })),
        [["ü.txt", "text/plain", "text"], ["name", "x/y", "blob"]],
      );
    },

    "execute() takes a value as it is when the job is accepted": async (t) => {
      const held = t.pool.execute("blockAtGate", [t.gate.key]);
      await t.gate.arrived();
      const url = new URL("http://a.test/before");
      const image = new ImageData(1, 1);
      const result = echo(t.pool, { url, image });
      url.pathname = "/after";
      image.data[0] = 9;
      t.gate.open();
      const back = await result;
      assertEquals([back.url.pathname, back.image.data[0]], ["/before", 0]);
      await held;
    },

    "execute() gives each job a copy of its own": async ({ pool }) => {
      const params = new URLSearchParams("a=0");
      const image = new ImageData(1, 1);
      const results = Array.from(
        { length: 5 },
        () =>
          pool.execute((params: URLSearchParams, image: ImageData) => {
            params.append("b", "1");
            return [String(params), ++image.data[0]];
          }, [params, image]),
      );
      assertEquals(await Promise.all(results), Array(5).fill(["a=0&b=1", 1]));
      assertEquals([String(params), image.data[0]], ["a=0", 0]);
    },

    "execute() keeps one object at several places as one": async (
      { pool },
    ) => {
      for (const make of Object.values(VALUES)) {
        const value = make();
        const [a, { b }, map] = await echo(
          pool,
          [value, { b: value }, new Map([[value, value]]), make()] as const,
        );
        assertStrictEquals(a, b);
        assertStrictEquals(map.get(a), a);
        assertNotStrictEquals((await echo(pool, [value, make()]))[1], a);
      }
      const { signal } = new AbortController();
      const isOne = (a: AbortSignal, { b }: { b: AbortSignal }) => a === b;
      assert(await pool.execute(isOne, [signal, { b: signal }]));
    },

    "execute() keeps values in a cycle, next to buffers that move": async (
      t,
    ) => {
      const buffer = new ArrayBuffer(8);
      const url = new URL("http://a.test/");
      const node: { url: URL; buffer: ArrayBuffer; self?: unknown } = {
        url,
        buffer,
      };
      node.self = [node];
      const back = await echo(t.pool, node, [buffer]);
      assertStrictEquals((back.self as unknown[])[0], back);
      assert(buffer.detached);
      assertEquals([back.url.href, back.buffer.byteLength], [url.href, 8]);
    },

    "execute() carries a subclass instance as its base class": async (
      t,
    ) => {
      const back = await echo(t.pool, new class MyURL extends URL {}("a:b"));
      assertEquals([back.constructor.name, back.href], ["URL", "a:b"]);
    },

    "execute() refuses a signal in a result": async ({ pool }) => {
      const give = () => ({ list: [new AbortController().signal] });
      await assertRejects(() => pool.execute(give), JobCloneError, "signal");
    },

    "execute() refuses by name values that become {}": async (
      { pool },
    ) => {
      for (const [name, make] of Object.entries(REFUSED)) {
        for (
          const value of [make(), [{ inner: make() }], new Map([[1, make()]])]
        ) {
          await assertRejects(
            () => pool.execute("echo", [value]),
            JobCloneError,
            `(${name}) cannot be cloned`,
          );
        }
      }
    },

    "execute() refuses values an error's cause cannot carry": async (
      t,
    ) => {
      const url = new URL("http://a.test/");
      for (const cause of [url, [url], { url }, new ReadableStream()]) {
        const error = new Error("a", { cause });
        for (const args of [[error], [url, error]]) {
          const { message } = await assertRejects(
            () => t.pool.execute("inspectArgs", args),
            JobCloneError,
            "cause",
          );
          assertStringIncludes(message, "cannot be cloned");
        }
      }
    },
  },
});
