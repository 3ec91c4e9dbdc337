// Values other than plain data that go to a process and back: blobs, files, errors,
// and streams of them. Also values that are refused.
import { createSecretKey } from "node:crypto";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobCloneError,
  ThreadPool,
  transfer,
  WorkerStartError,
} from "@spindle/thread-pool";
import {
  hold,
  type JobPool,
  makePool as makeAnyPool,
  nextEvent,
  numbersTo,
} from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";
import { tcpPair } from "./sockets.ts";

function makePool(options = {}): JobPool {
  return makeAnyPool(options, "process");
}

test("values in a transfer list or mark move even if they are in no argument", async () => {
  await using pool = makePool();
  await pool.execute("echo", [0]);
  const [listed, marked] = [new ArrayBuffer(1), new ArrayBuffer(1)];
  await pool.execute("echo", [1], { transfer: [listed] });
  await pool.execute("echo", [transfer({ a: 1 }, [marked])]);
  assertEquals([listed.detached, marked.detached], [true, true]);
});

test("a Blob and a File go to a process and come back", async () => {
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
  const read = (blob: Blob) => blob.text();
  assertEquals(await pool.execute(read, [blob]), "hello \u00f6");
  // The caller's values are unchanged.
  assert(value.list[0] === blob && value.map.get(blob)!.file === file);
});

test("a Blob in the cause or properties of an error arrives with the error", async () => {
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
});

test("a buffer next to a Blob in a result is copied when its job ends", async () => {
  await using pool = makePool();
  // The code that reads results is loaded with the first result.
  await pool.execute("echo", [new Map()]);
  const { bytes } = await pool.execute(() => {
    const bytes = new Uint8Array(100_000).fill(1);
    // Before the blob is read, and after.
    queueMicrotask(() => queueMicrotask(() => bytes.fill(2)));
    setTimeout(() => bytes.fill(3));
    return { bytes, blob: new Blob([new Uint8Array(3_000_000)]) };
  });
  assert(bytes.every((byte) => byte === 1));
});

test("a DOMException inside a value keeps its name, code and stack", async () => {
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
});

test("blobs in the chunks of streams arrive in order with other chunks", async () => {
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
});

test("jobs that run alongside a job with a large Blob as its result end normally", async () => {
  await using pool = makePool({ concurrency: 3 });
  const results = await Promise.all(
    numbersTo(9).map((i) =>
      pool.execute(
        // deno-lint-ignore require-await
        async (i: number) =>
          i % 3 > 0
            ? new Map([[i, i]])
            : new Map([[i, new Blob([new Uint8Array(1_000_000).fill(i)])]]),
        [i],
      )
    ),
  );
  for (const [i, result] of results.entries()) {
    const value = result.get(i);
    const got = value instanceof Blob ? (await value.bytes())[9] : value;
    assertEquals(got, i);
  }
});

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** Values that cannot go to a process, with their names in the error. */
const REFUSED: [name: string, make: () => unknown][] = [
  ["SharedArrayBuffer", () => new SharedArrayBuffer(8)],
  ["Int32Array", () => new Int32Array(new SharedArrayBuffer(8))],
  ["MessagePort", () => transfer(new MessageChannel().port1)],
  ["WebAssembly.Module", () => new WebAssembly.Module(WASM)],
  ["CryptoKey", () => generateKey(true)],
  ["CryptoKey", () => generateKey(false)],
  ["KeyObject", () => createSecretKey(new Uint8Array(16))],
];

function generateKey(extractable: boolean): Promise<unknown> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.generateKey(algorithm, extractable, ["sign"]);
}

test("execute() refuses values that cannot go to a process by name, at the call", async () => {
  await using pool = makePool();
  for (const [name, make] of REFUSED) {
    const part = await make();
    const refused = () => pool.execute("echo", [{ a: [part] }]);
    const { message } = await assertRejects(refused, JobCloneError);
    assertStringIncludes(message, `args[0].a[0] (${name}) `);
    assertStringIncludes(message, "process");
    if (part instanceof MessagePort) part.close();
  }
  assertEquals(pool.stats().size, 0);
});

test("execute() refuses a connection for a process, and the caller keeps it", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _client = client;
  using _server = server;
  const refused = () => pool.execute("echo", [server]);
  await assertRejects(refused, JobCloneError, "is a connection");
  await server.write(new Uint8Array([1]));
  assertEquals(await client.read(new Uint8Array(1)), 1);
});

/** Jobs whose results cannot leave their process, and what their errors say. */
const KEPT: [says: string, job: () => unknown][] = [
  ["shared memory", () => new SharedArrayBuffer(8)],
  [
    "result.list[0] (AbortSignal) is a signal, which cannot move back",
    () => ({ list: [new AbortController().signal] }),
  ],
  ["CryptoKey", () => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    return crypto.subtle.generateKey(algorithm, true, ["sign"]);
  }],
  ["KeyObject", async () => {
    const { createSecretKey } = await import("node:crypto");
    return createSecretKey(new Uint8Array(16));
  }],
];

test("execute() rejects if a result cannot leave its process, and the process continues", async () => {
  await using pool = makePool();
  const pid = await pool.execute("pid");
  for (const [says, job] of KEPT) {
    await assertRejects(() => pool.execute(job), JobCloneError, says);
  }
  assertEquals(await pool.execute("pid"), pid);
});

/** Returns a stream whose chunk cannot leave its process. */
function giveChunk(kind: string): ReadableStream {
  const slots = globalThis as unknown as { ended: Promise<string> };
  const { promise, resolve } = Promise.withResolvers<string>();
  slots.ended = promise;
  const wasm = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const make = () => {
    if (kind === "memory") return new SharedArrayBuffer(8);
    return kind === "module" ? new WebAssembly.Module(wasm) : () => {};
  };
  return new ReadableStream({
    pull: (controller) => controller.enqueue({ chunk: make() }),
    cancel: (why) => resolve(why.name),
  }, { highWaterMark: 0 });
}

for (const kind of ["memory", "module", "function"]) {
  test(`a chunk that cannot be sent errors its stream on both sides, and the process continues (${kind})`, async () => {
    await using pool = makePool();
    const pid = await pool.execute("pid");
    const ended = () => (globalThis as { ended?: Promise<string> }).ended!;
    const read = async (stream: ReadableStream) => {
      for await (const _ of stream);
    };
    await assertRejects(() => pool.execute(read, [giveChunk(kind)]), Error);
    assertEquals(await ended(), "JobCloneError");
    const stream = await pool.execute(giveChunk, [kind]);
    await assertRejects(() => read(stream), Error);
    assertEquals(await pool.execute(ended), "JobCloneError");
    assertEquals(await pool.execute("pid"), pid);
  });
}

test("a process can send at most a sixteenth of the memoryLimit at once in texts and objects", async () => {
  await using pool = makePool({ memoryLimit: 64 });
  const few = { text: "x".repeat(3 * 2 ** 20), map: new Map() };
  assertEquals(await pool.execute("echo", [few]), few);
  const bytes = new Uint8Array(8 * 2 ** 20);
  assertEquals(await pool.execute("echo", [bytes]), bytes);
  const many = { text: "x".repeat(5 * 2 ** 20), map: new Map() };
  await assertRejects(
    () => pool.execute("echo", [many]),
    JobCloneError,
    "and may take 4194304",
  );
});

test("a process can send many tiny chunks while they are read", async () => {
  await using pool = makePool({ permissions: "none", memoryLimit: 64 });
  let count = 0;
  const stream = await pool.execute("streamSlowly", [50_000, 0]);
  for await (const _ of stream) count++;
  assertEquals(count, 50_000);
});

test("a SharedArrayBuffer in an error arrives as text, and no other job is affected", async () => {
  await using pool = makePool({ concurrency: 2 });
  const shared = new SharedArrayBuffer(8);
  const reasons = [
    shared,
    { shared },
    Object.assign(new Error("m"), { shared }),
  ];
  for (const reason of reasons) {
    const stop = new AbortController();
    const aborted = pool.execute("never", [], { signal: stop.signal });
    setTimeout(() => stop.abort(reason));
    assertEquals(await aborted.catch((reason) => reason), reason);
  }
  const bad = pool.execute("throwsShared");
  const beside = pool.execute("echo", [1]);
  const error = await assertRejects(() => bad, RangeError, "mine");
  const { buffer } = error as unknown as { buffer: string };
  assertEquals(buffer, "[object SharedArrayBuffer]");
  await beside;
});

test("a sink that fails with a SharedArrayBuffer in its error ends its job's writes", async () => {
  await using pool = makePool();
  const sink = new WritableStream({
    write() {
      throw Object.assign(new Error("mine"), {
        shared: new SharedArrayBuffer(8),
      });
    },
  });
  await assertRejects(() => pool.execute("writesOn", [sink]), Error, "mine");
});

/** With this limit, a process can send 4 MiB at once. */
const LIMIT = { memoryLimit: 64 };
const TOO_LONG = "cannot be sent: it takes";

test("an error too long for a process is refused, and no other job is affected", async () => {
  await using pool = makePool({ ...LIMIT, concurrency: 2 });
  using held = await hold(pool);
  const job = (n: number) => {
    if (n === 1) throw new Error("x".repeat(5e6));
    return n;
  };
  await assertRejects(
    () => pool.execute(job, [1]),
    JobCloneError,
    `The error of job "job" ${TOO_LONG}`,
  );
  const results = await Array.fromAsync(
    pool.map(job, [0, 1, 2], { onError: "collect" }),
  );
  assertEquals(results.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  held.open();
  await held.job;
  assertEquals(pool.stats().crashed, 0);
});

test("a process reports that the error of its start or end was too long", async () => {
  const module = `data:text/javascript,throw new Error("x".repeat(5e6))`;
  await using broken = new ThreadPool({
    ...LIMIT,
    module,
    isolation: "process",
  });
  await assertRejects(
    () => broken.execute("any"),
    WorkerStartError,
    `could not start: The error ${TOO_LONG}`,
  );
  const pool = makePool(LIMIT);
  await pool.execute(async (worker: string) => {
    const { onStop } = await import(worker);
    onStop(() => {
      throw new Error("x".repeat(5e6));
    });
  }, [import.meta.resolve("../src/worker/mod.ts")]);
  const failed = nextEvent(pool, "workererror");
  await pool.close();
  const { error } = (await failed).detail;
  assertStringIncludes((error as Error).message, `The error ${TOO_LONG}`);
});
