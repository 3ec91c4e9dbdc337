// What goes to a process and comes back beside plain data: blobs, files, errors, and
// streams of them; and what is refused on the way.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/processes.ts";
import { poolTest } from "./live_workers.ts";

function makePool(concurrency = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/processes.ts", import.meta.url);
  return new ThreadPool({ module, size: 1, concurrency, isolation: "process" });
}

poolTest("a Blob and a File go to a process and come back", async () => {
  await using pool = makePool();
  const blob = new Blob(["hello ", "\u00f6"], { type: "text/plain" });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const file = new File([bytes, bytes], "a.bin", {
    type: "application/x",
    lastModified: 5,
  });
  const value = {
    list: [blob, file, new Blob([])],
    map: new Map([[blob, { file }]]),
    set: new Set([file]),
    buffer: bytes,
  };
  const back = await pool.execute("echo", [value]) as typeof value;
  const [first, second, empty] = back.list as [Blob, File, Blob];
  assertEquals([await first.text(), first.type], [
    "hello \u00f6",
    "text/plain",
  ]);
  assertInstanceOf(second, File);
  assertEquals([second.name, second.type, second.lastModified], [
    "a.bin",
    "application/x",
    5,
  ]);
  assertEquals(await second.bytes(), new Uint8Array([...bytes, ...bytes]));
  assertEquals([empty.size, empty instanceof File], [0, false]);
  assert(back.map.get(first)!.file === second && back.set.has(second));
  assertEquals(back.buffer, bytes);
  // Nothing of the caller's was changed.
  assert(value.list[0] === blob && value.map.get(blob)!.file === file);
});

poolTest("a process reads what a Blob holds", async () => {
  await using pool = makePool();
  assertEquals(
    await pool.execute((blob: Blob) => blob.text(), [new Blob(["abc"])]),
    "abc",
  );
});

poolTest(
  "a Blob in an error's cause and properties crosses with the error",
  async () => {
    await using pool = makePool();
    const error = new Error("e", { cause: { blob: new Blob(["why"]) } });
    const back = await pool.execute("echo", [error]) as Error;
    assertEquals(await (back.cause as { blob: Blob }).blob.text(), "why");
    const thrown = await assertRejects(
      () =>
        pool.execute(() => {
          const cause = new DOMException("inner", "DataError");
          throw Object.assign(new Error("outer", { cause }), {
            file: new File(["x"], "f"),
            list: [new DOMException("other", "AbortError")],
          });
        }),
      Error,
      "outer",
    );
    const { cause, file, list } = thrown as Error & {
      file: File;
      list: DOMException[];
    };
    assertInstanceOf(cause, DOMException);
    assertEquals([cause.name, cause.code], ["DataError", 0]);
    assertEquals([file.name, await file.text()], ["f", "x"]);
    assertInstanceOf(list[0], DOMException);
    assertEquals([list[0].name, list[0].code], ["AbortError", 20]);
  },
);

poolTest(
  "a buffer beside a Blob leaves as it is when its job ends",
  async () => {
    await using pool = makePool();
    // What reads results is loaded with the first of them.
    await pool.execute("echo", [new Map()]);
    const { bytes } = await pool.execute(() => {
      const bytes = new Uint8Array(100_000).fill(1);
      // Before the blob can have been read, and after.
      queueMicrotask(() => queueMicrotask(() => bytes.fill(2)));
      setTimeout(() => bytes.fill(3));
      return { bytes, blob: new Blob([new Uint8Array(3_000_000)]) };
    });
    assert(bytes.every((byte) => byte === 1));
  },
);

poolTest(
  "a DOMException inside of a value keeps its name, code and stack",
  async () => {
    await using pool = makePool();
    const exception = new DOMException("gone", "NotFoundError");
    const [back] = await pool.execute("echo", [[exception]]) as [DOMException];
    assertInstanceOf(back, DOMException);
    assertEquals([back.name, back.message, back.code, back.stack], [
      "NotFoundError",
      "gone",
      8,
      exception.stack,
    ]);
  },
);

poolTest(
  "blobs in the chunks of streams cross, in order with all others",
  async () => {
    await using pool = makePool();
    const chunks = [
      new Blob(["a".repeat(100_000)]),
      "b",
      { file: new File(["c"], "c.txt") },
      new Uint8Array([100]),
      [new DOMException("e", "AbortError")],
    ];
    const back = await pool.execute(
      (stream: ReadableStream) => stream.pipeThrough(new TransformStream()),
      [ReadableStream.from(chunks)],
    ) as ReadableStream;
    const [a, b, { file }, d, [e]] = await Array.fromAsync(back);
    assertEquals((await a.text()).length, 100_000);
    assertEquals([b, file.name, await file.text(), d[0], e.name], [
      "b",
      "c.txt",
      "c",
      100,
      "AbortError",
    ]);
  },
);

poolTest(
  "jobs beside one whose result is a large Blob end as ever",
  async () => {
    await using pool = makePool(3);
    const results = await Promise.all(
      Array.from({ length: 9 }, (_, i) =>
        pool.execute(
          // deno-lint-ignore require-await
          async (i: number) =>
            i % 3 > 0
              ? new Map([[i, i]])
              : new Map([[i, new Blob([new Uint8Array(1_000_000).fill(i)])]]),
          [i],
        )),
    );
    for (const [i, result] of results.entries()) {
      const value = result.get(i);
      const got = value instanceof Blob ? (await value.bytes())[9] : value;
      assertEquals(got, i);
    }
  },
);

poolTest(
  "a CryptoKey is refused by name, extractable or not, both ways",
  async () => {
    await using pool = makePool();
    for (const extractable of [true, false]) {
      const key = await crypto.subtle.generateKey(
        { name: "HMAC", hash: "SHA-256" },
        extractable,
        ["sign"],
      );
      const error = await assertRejects(
        () => pool.execute("echo", [{ key }]),
        JobCloneError,
      );
      assertStringIncludes(error.message, "args[0].key (CryptoKey)");
    }
    const error = await assertRejects(
      () =>
        pool.execute(() =>
          crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, [
            "sign",
          ])
        ),
      JobCloneError,
    );
    assertStringIncludes(error.message, "CryptoKey");
    assertEquals(pool.stats().crashed, 0);
  },
);

/** What no process can take, or give, as a chunk. */
const MAKE = {
  "shared memory": () => new SharedArrayBuffer(8),
  "a module": () =>
    new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
  "a function": () => () => {},
};

for (const [name, make] of Object.entries(MAKE)) {
  poolTest(
    `a chunk that is ${name} errors a stream to a process on both sides, and costs no worker`,
    async () => {
      await using pool = makePool();
      const pid = await pool.execute("pid");
      const reason = Promise.withResolvers<unknown>();
      const stream = new ReadableStream({
        pull: (controller) => controller.enqueue({ chunk: make() }),
        cancel: (why) => reason.resolve(why),
      }, { highWaterMark: 0 });
      const error = await assertRejects(
        () =>
          pool.execute(
            async (stream: ReadableStream) => {
              for await (const _ of stream);
            },
            [stream],
          ),
      );
      assertInstanceOf(error, Error);
      assertEquals((await reason.promise as Error).name, "JobCloneError");
      assertEquals(await pool.execute("pid"), pid);
    },
  );
}

poolTest(
  "a chunk that cannot leave a process errors its stream on both sides, and costs no worker",
  async () => {
    await using pool = makePool();
    const pid = await pool.execute("pid");
    for (const kind of ["memory", "module", "function"]) {
      const stream = await pool.execute((kind: string) => {
        const slots = globalThis as unknown as { ended: Promise<string> };
        const { promise, resolve } = Promise.withResolvers<string>();
        slots.ended = promise;
        const make = () =>
          kind === "memory"
            ? new SharedArrayBuffer(8)
            : kind === "module"
            ? new WebAssembly.Module(
              new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
            )
            : () => {};
        return new ReadableStream({
          pull: (controller) => controller.enqueue({ chunk: make() }),
          cancel: (why) => resolve(why.name),
        }, { highWaterMark: 0 });
      }, [kind]);
      await assertRejects(() => Array.fromAsync(stream), Error);
      const ended = await pool.execute(() =>
        (globalThis as unknown as { ended: Promise<string> }).ended
      );
      assertEquals([kind, ended], [kind, "JobCloneError"]);
    }
    assertEquals(await pool.execute("pid"), pid);
  },
);

poolTest("a signal in a result of a process is refused by name", async () => {
  await using pool = makePool();
  const pid = await pool.execute("pid");
  const error = await assertRejects(
    () => pool.execute(() => new AbortController().signal),
    JobCloneError,
  );
  assertStringIncludes(error.message, "holds a signal, which cannot move back");
  assertEquals(await pool.execute("pid"), pid);
});
