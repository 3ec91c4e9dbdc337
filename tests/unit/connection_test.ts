import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { pack } from "../../src/values/pack.ts";
import { Arrivals } from "../../src/moving/arrivals.ts";
import { connectBytes, connectDescriptor } from "../../src/moving/connect.ts";
import { ownConnection } from "../../src/moving/connection.ts";
import { canMoveDescriptors } from "../../src/moving/descriptor.ts";
import { Departures } from "../../src/moving/departures.ts";
import type { Connect } from "../../src/moving/kind.ts";
import { MOVERS } from "../../src/moving/kinds.ts";
import { joinLinks, settled } from "./links.ts";

Deno.test.afterEach(settled);

const BLOCK = 64 * 1024;

/** Opens a connection, and returns both of its ends. */
async function connect() {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  const [client, conn] = await Promise.all([
    Deno.connect({ port, hostname: "127.0.0.1" }),
    listener.accept(),
  ]);
  return { client, conn };
}

/** Moves a connection in the same way as an argument of a job. */
function move(conn: Deno.Conn, how: Connect) {
  const { main, worker, posted } = joinLinks();
  const packed = pack([conn], "args", { movers: MOVERS });
  ownConnection(conn);
  const departures = new Departures(packed.departing, how);
  const arrivals = new Arrivals();
  const arrive = () => {
    const moved = departures.send(main);
    const message = structuredClone({ value: packed.value, moved });
    const [arrived] = arrivals.revive(message.value, message.moved, worker) as [
      Deno.TcpConn,
    ];
    arrivals.start();
    return arrived;
  };
  return { departures, arrivals, arrive, main, worker, posted };
}

async function readAll(conn: Deno.Conn): Promise<string> {
  const bytes = await new Response(conn.readable).bytes();
  return new TextDecoder().decode(bytes);
}

const WAYS = { bytes: connectBytes, descriptor: connectDescriptor };

for (const [way, how] of Object.entries(WAYS)) {
  Deno.test({
    name: `connection by ${way}: reads, writes, half closes and closes`,
    ignore: way === "descriptor" && !canMoveDescriptors(),
    async fn() {
      const { client, conn } = await connect();
      const { departures, arrivals, arrive } = move(conn, how);
      const { remoteAddr } = conn;
      const arrived = arrive();
      assertEquals(arrived.constructor.name, "TcpConn");
      assertEquals(arrived.remoteAddr, remoteAddr);
      arrived.setNoDelay(true);
      await client.write(new TextEncoder().encode("hello"));
      await client.closeWrite();
      const buffer = new Uint8Array(4);
      assertEquals(await arrived.read(buffer), 4);
      assertEquals(await arrived.read(buffer), 1);
      assertEquals(await arrived.read(buffer), null);
      await arrived.write(new TextEncoder().encode("bye"));
      await arrived.closeWrite();
      assertEquals(await readAll(client), "bye");
      assert(departures.isOpen && arrivals.isOpen);
      const closed = new Promise<void>((done) => departures.whenClosed(done));
      arrived.close();
      assertThrows(() => arrived.close(), Deno.errors.BadResource);
      await assertRejects(
        () => arrived.read(buffer),
        Deno.errors.BadResource,
      );
      await closed;
      assertFalse(departures.isOpen || arrivals.isOpen);
    },
  });

  Deno.test({
    name:
      `connection by ${way}: Arrivals.end() closes it, and abort() wakes its readers`,
    ignore: way === "descriptor" && !canMoveDescriptors(),
    async fn() {
      const { client, conn } = await connect();
      const { departures, arrivals, arrive } = move(conn, how);
      const arrived = arrive();
      const read = arrived.read(new Uint8Array(4));
      await settled();
      arrivals.abort(undefined);
      await assertRejects(() => read, Deno.errors.Interrupted);
      await assertRejects(
        () => arrived.read(new Uint8Array(4)),
        Deno.errors.Interrupted,
      );
      const closed = new Promise<void>((done) => departures.whenClosed(done));
      arrivals.end();
      await closed;
      assertEquals(await client.read(new Uint8Array(4)), null);
      client.close();
    },
  });
}

Deno.test("connection: is ready when the client's first bytes have arrived", async () => {
  const { client, conn } = await connect();
  const { departures, arrivals, arrive, posted } = move(conn, connectBytes);
  assert(departures.isPending);
  const ready = new Promise<void>((done) => departures.whenReady(done));
  await client.write(new Uint8Array([1, 2, 3]));
  await ready;
  assertFalse(departures.isPending);
  const arrived = arrive();
  const buffer = new Uint8Array(8);
  assertEquals(await arrived.read(buffer), 3);
  // The first bytes were sent with the job.
  assert(posted.every(({ to }) => to === "worker"));
  arrivals.end();
  client.close();
  await settled();
});

Deno.test("connection: bytes written before close() are still sent", async () => {
  const { client, conn } = await connect();
  const { arrive } = move(conn, connectBytes);
  const arrived = arrive();
  const text = "x".repeat(3 * BLOCK);
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await arrived.write(bytes.subarray(written));
  }
  arrived.close();
  assertEquals(await readAll(client), text);
});

Deno.test("connection: Departures.close() frees the blocks of unwritten bytes, once", async () => {
  const { client, conn } = await connect();
  const { departures, arrive, main, worker } = move(conn, connectBytes);
  const arrived = arrive();
  const stuck = new Uint8Array(BLOCK);
  // Far more than the socket accepts; the window is 1 MiB.
  const writes = (async () => {
    for (;;) await arrived.write(stuck);
  })().catch(() => {});
  await settled();
  await new Promise((done) => setTimeout(done, 200));
  departures.close(new Error("enough"));
  await settled();
  main.flush();
  await settled();
  const taken = new Set<number>();
  for (let block = worker.takeBlock(); block; block = worker.takeBlock()) {
    assertFalse(taken.has(block.byteOffset));
    taken.add(block.byteOffset);
  }
  assertEquals(taken.size, 32);
  worker.fail(new Error("gone"));
  await writes;
  client.close();
});

Deno.test("connection: pack() refuses a moved connection, and Departures.close() closes it", async () => {
  const { client, conn } = await connect();
  const { departures } = move(conn, connectBytes);
  assertThrows(
    () => pack([conn], "args", { movers: MOVERS }),
    Error,
    "has already moved into a job",
  );
  departures.close(undefined);
  assertEquals(await client.read(new Uint8Array(1)), null);
  client.close();
});

Deno.test("connection: is closed when its worker is gone", async () => {
  const { client, conn } = await connect();
  const { arrive, main } = move(conn, connectBytes);
  arrive();
  main.fail(new Error("gone"));
  assertEquals(await client.read(new Uint8Array(1)), null);
  client.close();
  await settled();
});
