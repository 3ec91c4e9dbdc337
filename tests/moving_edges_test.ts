// Edge cases of moved values: other jobs are not affected, nothing is lost, and
// nothing hangs.
import { assertEquals, assertRejects } from "@std/assert";
import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";
import { readAll, readText, tcpPair } from "./sockets.ts";

poolTest(
  "execute() rejects if the response cannot be received",
  async () => {
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
  },
);

poolTest("Request.method can be one that the constructor refuses", async () => {
  await using pool = new ThreadPool(1);
  const seen = Promise.withResolvers<unknown>();
  await using server = Deno.serve({ port: 0, onListen() {} }, (request) => {
    seen.resolve(pool.execute((r: Request) => r.method, [request]));
    return new Response();
  });
  using client = await Deno.connect({ port: server.addr.port });
  // The server does not read the body.
  const head = "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
  await client.write(new TextEncoder().encode(head));
  await client.write(new Uint8Array(100_000));
  assertEquals(await seen.promise, "TRACE");
});

poolTest("Conn.closeWrite() works without await", async () => {
  await using pool = new ThreadPool(1);
  const { client, server } = await tcpPair();
  using _ = client;
  const job = pool.execute(async (conn: Deno.Conn) => {
    await conn.write(new TextEncoder().encode("hi"));
    conn.closeWrite();
  }, [server]);
  const other = pool.execute(() => new Promise((done) => setTimeout(done, 20)));
  assertEquals(await readText(client), "hi");
  await Promise.all([job, other]);
  assertEquals(pool.stats().crashed, 0);
});

poolTest("terminate() rejects a job whose end main has not seen", async () => {
  const pool = new ThreadPool(1);
  const { client, server } = await tcpPair();
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const job = pool.execute(async (conn: Deno.Conn, shared: Int32Array) => {
    // More than the sockets hold: the client reads nothing.
    for (let i = 0; i < 100; i++) {
      const isStuck = await Promise.race([
        conn.write(new Uint8Array(65_536)).then(() => false, () => false),
        new Promise<boolean>((resolve) => setTimeout(resolve, 100, true)),
      ]);
      if (isStuck) break;
    }
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
  }, [server, shared]);
  // The job ends while this thread is blocked.
  await Atomics.waitAsync(shared, 0, 0).value;
  Atomics.wait(shared, 0, 1, 100);
  await pool.terminate();
  await assertRejects(() => job, PoolTerminatedError);
  await readAll(client).catch(() => {/* It may be reset. */});
  client.close();
});

poolTest(
  "ReadableStream keeps the order of its chunks while a jobend listener submits jobs",
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
        Atomics.notify(shared, 0);
      }, 10);
      for (let i = 0; i < 20; i++) await 0;
    }, [shared]);
    const others: Promise<unknown>[] = [];
    pool.addEventListener("jobend", () => {
      // Enough jobs that main checks what its worker has done.
      while (others.length < 300) others.push(pool.execute(() => 1));
    }, { once: true });
    Atomics.wait(shared, 0, 0, 2_000);
    await job;
    const seen = (await Array.fromAsync(stream)).map(([first]) => first);
    assertEquals(seen, [0, 1, 2, 3]);
    await Promise.all(others);
  },
);
