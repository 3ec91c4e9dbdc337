// What moves, where something goes wrong at its edges: other jobs are unharmed,
// nothing is lost, and nothing hangs.
import { assertEquals, assertRejects } from "@std/assert";
import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, readText, tcpPair } from "./sockets.ts";

/** A request of a method that no `Request` can be made of, with a body that does not come whole. */
const TRACE = "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

poolTest(
  "a request that no constructor makes arrives, its body unread",
  async () => {
    await using pool = new ThreadPool(1);
    const seen = Promise.withResolvers<unknown>();
    const server = Deno.serve({ port: 0, onListen() {} }, (request) => {
      const answer = pool.execute((r: Request) => r.method, [request]);
      seen.resolve(answer);
      return new Response();
    });
    const client = await Deno.connect({ port: server.addr.port });
    await client.write(new TextEncoder().encode(TRACE));
    await client.write(new Uint8Array(100_000));
    assertEquals(await seen.promise, "TRACE");
    client.close();
    await server.shutdown();
  },
);

poolTest("a response that cannot be received fails its job", async () => {
  await using pool = new ThreadPool(1);
  const unread = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
  });
  const job = pool.execute((_: ReadableStream) => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
    });
    return Object.defineProperty(new Response(body), "statusText", {
      value: "a\nb",
    });
  }, [unread]);
  await assertRejects(() => job, Error, "cannot be received");
});

poolTest("a handler need not await closeWrite()", async () => {
  await using pool = new ThreadPool(1);
  using gate = new Gate();
  const { client, server } = await tcpPair();
  using _ = client;
  const job = pool.execute(async (conn: Deno.Conn) => {
    await conn.write(new TextEncoder().encode("hi"));
    conn.closeWrite();
  }, [server]);
  const other = pool.execute((key: SharedArrayBuffer) => {
    const words = new Int32Array(key);
    return new Promise((resolve) => setTimeout(() => resolve(words[1]), 20));
  }, [gate.key]);
  assertEquals(await readText(client), "hi");
  await Promise.all([job, other]);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("a chunk in shared memory may be the first of a result", async () => {
  await using pool = new ThreadPool(1);
  const stream = await pool.execute(() =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(new SharedArrayBuffer(16_384)));
        controller.close();
      },
    }, { highWaterMark: 0 })
  );
  const chunks = await Array.fromAsync(stream);
  assertEquals(chunks.map(({ length }) => length), [16_384]);
});

poolTest("a job that main has not heard of ends with terminate()", async () => {
  const pool = new ThreadPool(1);
  const { client, server } = await tcpPair();
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const job = pool.execute(async (conn: Deno.Conn, shared: Int32Array) => {
    // More than the sockets take: the client reads nothing.
    for (let i = 0; i < 100; i++) {
      const isStuck = await Promise.race([
        conn.write(new Uint8Array(65_536)).then(() => false, () => false),
        new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
      ]);
      if (isStuck) break;
    }
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
  }, [server, shared]);
  // It ends while this thread does not listen.
  await Atomics.waitAsync(shared, 0, 0).value;
  Atomics.wait(shared, 0, 1, 100);
  await pool.terminate();
  await assertRejects(() => job, PoolTerminatedError);
  await readAll(client).catch(() => {/* It may be reset. */});
  client.close();
});

poolTest(
  "chunks keep their order though a listener submits in the middle of them",
  async () => {
    await using pool = new ThreadPool({ size: 1, concurrency: 8 });
    const stream = await pool.execute(() => {
      return new ReadableStream<Uint8Array>({
        start: (controller) => void Object.assign(globalThis, { controller }),
      }, { highWaterMark: 100 });
    });
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const job = pool.execute(async (shared: Int32Array) => {
      const { controller } = globalThis as unknown as {
        controller: ReadableStreamDefaultController<Uint8Array>;
      };
      const send = (index: number, length: number) => {
        controller.enqueue(new Uint8Array(length).fill(index));
      };
      await new Promise((resolve) => setTimeout(resolve, 20));
      send(0, 20_000);
      for (let i = 0; i < 30; i++) await 0;
      send(1, 20_000);
      (async () => {
        for (let i = 0; i < 60; i++) await 0;
        send(2, 20_000);
      })();
      setTimeout(() => {
        send(3, 10);
        controller.close();
        Atomics.store(shared, 0, 1);
      }, 10);
      for (let i = 0; i < 20; i++) await 0;
    }, [shared]);
    const others: Promise<unknown>[] = [];
    pool.addEventListener("jobend", () => {
      // So many that main looks at what its worker has done.
      while (others.length < 300) others.push(pool.execute(() => 1));
    }, { once: true });
    Atomics.wait(shared, 0, 0, 200);
    await job;
    const seen = (await Array.fromAsync(stream)).map(([first]) => first);
    assertEquals(seen, [0, 1, 2, 3]);
    await Promise.all(others);
  },
);
