// Moved streams: they let other work run, and an abort ends them.
import { assert, assertEquals, assertLess } from "@std/assert";
import { delay } from "@std/async";
import { ThreadPool } from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import { ALL_KINDS, type AnyKind, reasonOf } from "./kinds.ts";
import { test } from "./pools.ts";

const KINDS = Object.keys(ALL_KINDS) as AnyKind[];

/** Returns a stream that computes each of its chunks and never waits. */
function computed(): { stream: ReadableStream<Uint8Array>; count(): number } {
  let count = 0;
  const stream = new ReadableStream({
    pull(controller) {
      for (const end = Date.now() + 2; Date.now() < end;);
      controller.enqueue(new Uint8Array(1));
      count++;
    },
  });
  return { stream, count: () => count };
}

for (const kind of ["thread", "process"] as const) {
  test(`a stream that computes its chunks in a worker does not block it (${kind})`, async () => {
    const options = { size: 1, concurrency: 2, ...ALL_KINDS[kind] };
    await using pool = new ThreadPool(options);
    const make = new Function(`${computed};
      const { stream, count } = computed();
      globalThis.count = count;
      return stream;`) as () => ReadableStream<Uint8Array>;
    const read = () => (globalThis as unknown as { count(): number }).count();
    const stream = await pool.execute(make);
    const reader = stream.getReader();
    await reader.read();
    assertLess(await pool.execute(read), 300);
    await reader.cancel();
  });
}

test("a stream that computes its chunks on main does not block main", async () => {
  await using pool = new ThreadPool(1);
  const { stream, count } = computed();
  await pool.execute(async (stream: ReadableStream) => {
    await stream.getReader().read();
  }, [stream]);
  assertLess(count(), 300);
});

/** Returns a stream that has one chunk and never continues. */
function stuck(): {
  stream: ReadableStream<Uint8Array>;
  reason: Promise<unknown>;
} {
  const { promise: reason, resolve } = Promise.withResolvers<unknown>();
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array([1])),
    cancel: resolve,
  });
  return { stream, reason };
}

async function readAll(source: ReadableStream | Request | Response) {
  if (source instanceof ReadableStream) source = new Response(source);
  return (await source.bytes()).length;
}

for (const kind of KINDS) {
  test(`an abort ends what a job reads, and affects no other job of its worker (${kind})`, async () => {
    const options = { size: 1, concurrency: 8, ...ALL_KINDS[kind] };
    await using pool = new ThreadPool(options);
    await pool.execute(() => 1);
    const makers = {
      stream: (stream: ReadableStream) => stream,
      request: (body: ReadableStream) =>
        new Request("http://localhost/", { method: "POST", body }),
      response: (body: ReadableStream) => new Response(body),
    };
    for (const make of Object.values(makers)) {
      const door = new TransformStream<Uint8Array, Uint8Array>();
      const other = pool.execute(readAll, [door.readable]);
      const stop = new AbortController();
      const { stream, reason } = stuck();
      const { signal } = stop;
      const job = pool.execute(readAll, [make(stream)], { signal });
      const late = stuck();
      const slow = pool.execute(readAll, [make(late.stream)], { timeout: 100 });
      await delay(10);
      stop.abort(new Error("enough"));
      assertEquals(String(await reasonOf(job)), "Error: enough");
      assertEquals(String(await reason), "Error: enough");
      assertEquals((await reasonOf(slow) as Error).name, "JobTimeoutError");
      assertEquals((await late.reason as Error).name, "TimeoutError");
      await delay(100);
      const writer = door.writable.getWriter();
      await writer.write(new Uint8Array(3));
      await writer.close();
      assertEquals(await other, 3);
    }
    assert(pool.stats().crashed === 0);
  });
}

for (const connections of ["bytes", "descriptor"] as const) {
  test(`an abort ends a write to a client that does not read, and affects no other job (${connections})`, async () => {
    await using pool = new ThreadPool({ size: 1, concurrency: 2, connections });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    using _client = await Deno.connect({ hostname: "127.0.0.1", port });
    const connection = await listener.accept();
    const other = new TransformStream<Uint8Array, Uint8Array>();
    const bystander = pool.execute(readAll, [other.readable]);
    const stop = new AbortController();
    const { signal } = stop;
    let written = 0;
    const job = pool.execute(
      async (connection: Deno.Conn) => {
        const job = currentJob()!;
        for (let bytes = 0;;) {
          bytes += await connection.write(new Uint8Array(2 ** 18));
          job.report(bytes);
        }
      },
      [connection],
      { signal, onProgress: (bytes) => written = bytes as number },
    );
    // Until all buffers up to the client's socket are full.
    for (let before = -1; written === 0 || before < written;) {
      before = written;
      await delay(100);
    }
    stop.abort("enough");
    assertEquals(await reasonOf(job), "enough");
    await delay(100);
    const writer = other.writable.getWriter();
    await writer.write(new Uint8Array(3));
    await writer.close();
    assertEquals(await bystander, 3);
  });
}
