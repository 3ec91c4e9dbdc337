// workerData: the value that every worker of a pool receives.
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  JobCloneError,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
} from "@spindle/thread-pool";
import { workerData } from "@spindle/thread-pool/worker";
import type * as jobs from "./fixtures/worker_life.ts";
import { KIND_NAMES, KINDS, reasonOf } from "./kinds.ts";
import { eachRow, poolOf, test } from "./pools.ts";

type LifePool = ThreadPool<typeof jobs>;

/** Values that workers can receive. */
const VALUES: Record<string, unknown> = {
  text: "a",
  zero: 0,
  null: null,
  list: [1, { a: [2] }],
  map: new Map([["a", new Set([1])]]),
  date: new Date(5),
  bytes: new Uint8Array([1, 2, 3]),
  "many bytes": new Uint8Array(100_000).fill(7),
  regexp: /a/g,
};

for (const kind of KIND_NAMES) {
  const lifePool = (options: ThreadPoolOptions): LifePool =>
    poolOf("worker_life", { ...KINDS[kind], ...options });

  test(`workerData is available from the module's first line on, for any value (${kind})`, () =>
    eachRow(VALUES, async (value) => {
      await using pool = lifePool({ workerData: value });
      assertEquals(await pool.execute("dataAtTop"), value);
      assert(await pool.execute("isSameData"));
    }));

  test(`workerData is a copy for each worker, replacements included (${kind})`, async () => {
    const data = { list: [1], text: "a" };
    await using pool = lifePool({ workerData: data, maxJobsPerWorker: 2 });
    data.list.push(9);
    data.text = "changed";
    await pool.execute("spoilData");
    assertEquals(await pool.execute("data"), { list: [1, 2], text: "a" });
    assertEquals(await pool.execute("data"), { list: [1], text: "a" });
    await reasonOf(pool.execute("exit"));
    assertEquals(await pool.execute("dataAtTop"), { list: [1], text: "a" });
    assertEquals(data.list, [1, 9]);
  });
}

test("workerData: shared memory is shared by main and all workers", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { words };
  await using pool: LifePool = poolOf("worker_life", {
    workerData,
    maxJobsPerWorker: 1,
  });
  for (let i = 0; i < 3; i++) await pool.execute("addToSharedData");
  assertEquals(words[0], 3);
});

test("workerData() is the same for two copies of the package", async () => {
  await using pool: LifePool = poolOf("worker_life", { workerData: { a: 1 } });
  assert(await pool.execute("isSameInCopy"));
});

test("workerData() works in an inline job", async () => {
  await using pool = new ThreadPool({ size: 1, workerData: { a: 1 } });
  const a = await pool.execute(() => workerData<{ a: number }>().a);
  assertEquals(a, 1);
});

test("workerData() is undefined without the option, and outside a worker", async () => {
  await using pool: LifePool = poolOf("worker_life");
  assertEquals(await pool.execute("data"), undefined);
  assertEquals(workerData(), undefined);
});

/** Asserts that data is refused with a message that says where it is. */
function refuses(
  data: unknown,
  said: string[],
  options?: ThreadPoolOptions,
): void {
  const make = () => new ThreadPool({ size: 1, workerData: data, ...options });
  const { message } = assertThrows(make, JobCloneError);
  for (const text of said) assertStringIncludes(message, text);
}

test("workerData is refused if it cannot be cloned, or only one job can own it", async () => {
  const { port1, port2 } = new MessageChannel();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await eachRow<[unknown, string[]]>({
    "a function": [{ log: () => {} }, ["workerData.log", "cannot be cloned"]],
    "a symbol": [Symbol("s"), ["workerData"]],
    "a connection": [{ connection }, ["workerData.connection", "one job"]],
    "a stream": [[new ReadableStream()], ["workerData[0]", "one job"]],
    "a request": [new Request("http://a/"), ["workerData", "one job"]],
    "a signal": [new AbortController().signal, ["workerData", "one job"]],
    "a port": [{ port1 }, ["workerData.port1", "one job"]],
    "a URL": [new URL("http://a/"), ["workerData", "cannot be cloned"]],
    "a promise": [Promise.resolve(), ["workerData", "cannot be cloned"]],
    "what is marked": [transfer(new Uint8Array(8)), ["transfer()"]],
  }, ([data, said]) => refuses(data, said));
  port1.close();
  port2.close();
  connection.close();
  listener.close();
});

test("workerData that is marked and refused is not moved", () => {
  const bytes = transfer(new Uint8Array(8));
  assertThrows(() => new ThreadPool({ workerData: bytes }), JobCloneError);
  assertEquals(bytes.length, 8);
});

test("workerData for processes is refused if it cannot leave the program's process", () => {
  const options = { isolation: "process" } as const;
  const shared = { words: new Int32Array(new SharedArrayBuffer(4)) };
  refuses(shared, ["workerData.words", "shared memory"], options);
});
