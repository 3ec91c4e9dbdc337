// Values of the web platform that arrive as what they are, and those that do not go.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/web_values.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, tcpPair } from "./sockets.ts";
import { show } from "./streams.ts";

function makePool(): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/web_values.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1 });
}

/** What comes back of a value. */
async function echo<T>(
  pool: ThreadPool<typeof jobs>,
  value: T,
  transfer: Transferable[] = [],
): Promise<T> {
  return await pool.execute("echo", [value], { transfer }) as T;
}

const VALUES: Record<string, () => object> = {
  "URL": () => new URL("https://u:p@a.test:8080/b%20c?d=%C3%BC&d=2#e"),
  "URL of a file": () => new URL("file:///a/b.ts"),
  "URLSearchParams": () => new URLSearchParams("a=1&b=%C3%BC&a=2&c="),
  "empty URLSearchParams": () => new URLSearchParams(),
  "Headers": () =>
    new Headers([["x-a", "1"], ["set-cookie", "a=1"], ["X-A", "2"], [
      "set-cookie",
      "b=2",
    ]]),
  "empty Headers": () => new Headers(),
  "FormData": () => {
    const form = new FormData();
    form.append("a", "1");
    form.append("a", "ü");
    return form;
  },
  "empty FormData": () => new FormData(),
  "ImageData": () =>
    new ImageData(new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]), 1, 2, {
      colorSpace: "display-p3",
    }),
};

/** All that can be seen of a value. */
function look(value: object): unknown {
  if (value instanceof ImageData) {
    const { width, height, colorSpace, data } = value;
    return [width, height, colorSpace, data.constructor.name, ...data];
  }
  return value instanceof URL ? value.href : [...value as Headers];
}

for (const [name, make] of Object.entries(VALUES)) {
  poolTest(`a value arrives as what it is, in and out: ${name}`, async () => {
    await using pool = makePool();
    const value = make();
    assertEquals(await pool.execute("classOf", [value]), [
      value.constructor.name,
      true,
    ]);
    assertEquals(await pool.execute("inspectArgs", [value]), show([value]));
    const back = await echo(pool, value);
    assertInstanceOf(back, value.constructor as typeof Object);
    assertNotStrictEquals(back, value);
    assertEquals(look(back), look(make()));
    // The caller's is unchanged.
    assertEquals(look(value), look(make()));
  });

  poolTest(`a value arrives in any other: ${name}`, async () => {
    await using pool = makePool();
    const nested = () => ({
      list: [1, [make()], , "a"], // deno-lint-ignore no-sparse-arrays
      map: new Map<unknown, unknown>([["value", make()], [make(), {
        k: make(),
      }]]),
      set: new Set([make(), 2]),
      plain: { date: new Date(0), bytes: new Uint8Array([1]) },
    });
    const back = await echo(pool, nested());
    assertEquals(show(back), show(nested()));
    const inner = (back as ReturnType<typeof nested>).map.get("value");
    assertEquals(look(inner as object), look(make()));
  });
}

poolTest("a form arrives with its files", async () => {
  await using pool = makePool();
  const form = new FormData();
  form.append("a", "1");
  form.append("file", new File(["text"], "ü.txt", { type: "text/plain" }));
  form.append("file", new Blob(["blob"], { type: "x/y" }), "name");
  assertEquals(await pool.execute("seeForm", [form]), [
    "a=1",
    "file: ü.txt text/plain text",
    "file: name x/y blob",
  ]);
  const back = await echo(pool, form);
  const [file] = back.getAll("file") as File[];
  assertEquals([file.name, await file.text()], ["ü.txt", "text"]);
});

poolTest("a copy in the job is the job's own", async () => {
  await using pool = makePool();
  const params = new URLSearchParams("a=1");
  const image = new ImageData(1, 1);
  const changed = await pool.execute(
    (params: URLSearchParams, image: ImageData) => {
      params.set("a", "2");
      image.data[0] = 9;
      return [params.get("a"), image.data[0]];
    },
    [params, image],
  );
  assertEquals(changed, ["2", 9]);
  assertEquals([params.get("a"), image.data[0]], ["1", 0]);
});

poolTest("a value is taken as it is when the job is accepted", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const url = new URL("http://a.test/before");
  const image = new ImageData(1, 1);
  const result = echo(pool, { url, image });
  url.pathname = "/after";
  image.data[0] = 9;
  gate.open();
  const back = await result;
  assertEquals([back.url.pathname, back.image.data[0]], ["/before", 0]);
  await held;
});

poolTest("jobs that are given one value share none", async () => {
  await using pool = new ThreadPool(1);
  const params = new URLSearchParams("a=0");
  const add = (params: URLSearchParams) => {
    params.append("b", "1");
    return String(params);
  };
  const results = Array.from({ length: 5 }, () => pool.execute(add, [params]));
  assertEquals(await Promise.all(results), Array(5).fill("a=0&b=1"));
});

poolTest("an object that sits at several places arrives as one", async () => {
  await using pool = makePool();
  const makers = [...Object.values(VALUES), () => new AbortController().signal];
  for (const make of makers) {
    const value = make();
    assert(await pool.execute("areSame", [[value, value], value]));
    assertFalse(await pool.execute("areSame", [[value, make()]]));
  }
});

poolTest("an object at several places of a result arrives as one", async () => {
  await using pool = makePool();
  const [first, { url }, map] = await pool.execute("giveTwice");
  assertStrictEquals(url, first);
  assertStrictEquals(map.get(first), first);
});

poolTest("values in a cycle keep it", async () => {
  await using pool = makePool();
  const node: { url: URL; self?: unknown } = { url: new URL("http://a.test/") };
  node.self = [node];
  const back = await echo(pool, node);
  assertStrictEquals((back.self as unknown[])[0], back);
  assertEquals(back.url.href, "http://a.test/");
});

poolTest("a value moves beside buffers that move", async () => {
  await using pool = makePool();
  const buffer = new ArrayBuffer(8);
  const value = { url: new URL("http://a.test/"), buffer };
  const back = await echo(pool, value, [buffer]);
  assert(buffer.detached);
  assertEquals([back.url.href, back.buffer.byteLength], ["http://a.test/", 8]);
});

poolTest(
  "an instance of a class of one's own arrives as its base",
  async () => {
    await using pool = makePool();
    class MyURL extends URL {
      own = 1;
    }
    const back = await echo(pool, new MyURL("http://a.test/"));
    assertEquals([back.constructor.name, back.href], ["URL", "http://a.test/"]);
  },
);

poolTest("a signal or a connection in a result is refused", async () => {
  await using pool = makePool();
  const error = await assertRejects(
    () => pool.execute("giveSignal"),
    JobCloneError,
    "signal",
  );
  assertStringIncludes(error.message, '"giveSignal"');
  const { client, server } = await tcpPair();
  using _ = client;
  await assertRejects(
    () => pool.execute("giveConnection", [server]),
    JobCloneError,
    "connection",
  );
  // It is closed with its job all the same.
  assertEquals((await readAll(client)).length, 0);
});

class Empty {}
class Hidden {
  #field = 1;
  get field() {
    return this.#field;
  }
}

/** What would arrive as `{}`, by the name that the message is to call it. */
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

poolTest("what would become an empty object is refused by name", async () => {
  await using pool = makePool();
  for (const [name, make] of Object.entries(REFUSED)) {
    for (const value of [make(), [{ inner: make() }], new Map([[1, make()]])]) {
      const error = await assertRejects(
        () => pool.execute("echo", [value]),
        JobCloneError,
      );
      assertStringIncludes(error.message, `(${name}) cannot be cloned`);
    }
  }
});

poolTest("what an error has as its cause is not lost, or refused", async () => {
  await using pool = makePool();
  const url = new URL("http://a.test/");
  for (const cause of [url, [url], { url }, new ReadableStream()]) {
    for (
      const args of [[new Error("a", { cause })], [
        url,
        new Error("a", { cause }),
      ]]
    ) {
      const error = await assertRejects(
        () => pool.execute("inspectArgs", args),
        JobCloneError,
        "cause",
      );
      assertStringIncludes(error.message, "cannot be cloned");
    }
  }
});
