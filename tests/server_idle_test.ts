// How long the web server waits for a client, in memory.
import { assert, assertEquals } from "@std/assert";
import { Client } from "../examples/http/client.ts";
import { serveConnection } from "../examples/http/connection.ts";
import { makeSite } from "../examples/server_pages.ts";
import { MemoryConn } from "./server_in_memory.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST =
  "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";

/** Serves until the server gives the client up; for how many ms it waited. */
async function waited(conn: MemoryConn, idle: number): Promise<number> {
  const start = performance.now();
  await serveConnection(conn, makeSite(0), { idle, isStopping: () => false });
  return performance.now() - start;
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

Deno.test("a client is closed once it has been silent, within a request and between two", async () => {
  for (
    const [text, answers] of [
      ["", 0],
      ["GET / HT", 0],
      [POST, 0],
      [`${POST}hell`, 0],
      [GET, 1],
      [`${GET}GET /`, 1],
    ] as const
  ) {
    const conn = new MemoryConn(text === "" ? [] : [text]);
    const ms = await waited(conn, 20);
    assert(conn.isClosed && ms >= 19, `${conn.isClosed} after ${ms} ms`);
    assertEquals(conn.written.length, answers);
  }
});

Deno.test("a slow client is not silent", async () => {
  const conn = new MemoryConn();
  const bytes = [...GET];
  const sender = setInterval(() => {
    const byte = bytes.shift();
    if (byte) conn.send(byte);
    else clearInterval(sender);
  }, 10);
  const ms = await waited(conn, 200);
  assert(ms > 350, `Expected to be slow, took ${ms} ms`);
  assertEquals(conn.written.length, 1);
});

Deno.test("what a client sends while the thread is busy is not late", async () => {
  const conn = new MemoryConn();
  setTimeout(() => {
    block(300);
    // As a worker hears of it: after the timers that were due meanwhile.
    setTimeout(() => setTimeout(() => conn.send(GET)));
  });
  const ms = await waited(conn, 50);
  assert(ms >= 300, `Expected to be blocked, took ${ms} ms`);
  assertEquals(conn.written.length, 1);
});

Deno.test("a client that takes nothing is closed, too", async () => {
  const conn = new MemoryConn([GET]);
  const { promise, reject } = Promise.withResolvers<number>();
  conn.write = () => promise;
  conn.close = () => {
    conn.isClosed = true;
    reject(new Deno.errors.BadResource("closed"));
  };
  await waited(conn, 20);
  assert(conn.isClosed);
});

Deno.test("the time that an answer takes is not the client's", async () => {
  const conn = new MemoryConn();
  using client = new Client(conn, 20);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(await client.write(new Uint8Array(1)), true);
});

Deno.test("an error of the connection is not taken for silence", async () => {
  const conn = new MemoryConn();
  conn.read = () => Promise.reject(new Deno.errors.ConnectionReset("reset"));
  const name = await waited(conn, 1_000).then(() => "", (error) => error.name);
  assertEquals(name, "ConnectionReset");
});

Deno.test("a client that goes on sending after a refusal has a second to see it", async () => {
  const conn = new MemoryConn(["nonsense\r\n\r\n"]);
  const sender = setInterval(() => conn.send("more"), 10);
  const ms = await waited(conn, 5_000);
  clearInterval(sender);
  assert(conn.isParted && conn.isClosed);
  assert(ms >= 990, `Expected to linger, left after ${ms} ms`);
});
