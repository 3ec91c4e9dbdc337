// A connection with TLS moves into a job: main does what TLS takes, in both ways.
import { assert, assertEquals } from "@std/assert";
import { bothWays } from "./connection_ways.ts";
import { Gate } from "./gate.ts";
import { pattern, readAll, readText, sameBytes, writeAll } from "./sockets.ts";
import { clientOptions, tlsPair, unshakenPair } from "./tls.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const LARGE = 3 * 1024 * 1024 + 7;

/** What a handshake gives, or which class of error. */
async function shake(conn: Deno.TlsConn): Promise<string | null> {
  try {
    return (await conn.handshake()).alpnProtocol;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Which class of error a read gives, and then writes, of which the first may still go ahead. */
async function failures(conn: Deno.TlsConn): Promise<string[]> {
  const names: string[] = [];
  const note = (error: Error) => void names.push(error.name);
  const buffer = new Uint8Array(64 * 1024);
  await conn.read(buffer).catch(note);
  for (let i = 0; i < 100 && names.length < 2; i++) {
    await conn.write(buffer).catch(note);
  }
  return names;
}

bothWays("an accepted connection is read and written (TLS)", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair();
  using _ = client;
  const result = pool.execute("echo", [server]);
  await writeAll(client, encode("to the "));
  await writeAll(client, encode("server"));
  await client.closeWrite();
  assertEquals(await readText(client), "to the server");
  assertEquals(await result, 13);
});

bothWays("the side that has connected moves, too (TLS)", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair();
  using _ = server;
  const result = pool.execute("echo", [client]);
  await writeAll(server, encode("to the client"));
  await server.closeWrite();
  assertEquals(await readText(server), "to the client");
  assertEquals(await result, 13);
});

bothWays("both sides of one connection move into jobs (TLS)", async (make) => {
  await using pool = make({ size: 2 });
  const { client, server } = await tlsPair();
  const echoed = pool.execute("echo", [server]);
  const asked = pool.execute("closeWriteThenRead", [client]);
  assertEquals(await asked, "bye");
  assertEquals(await echoed, 3);
});

for (const side of ["server", "client"] as const) {
  bothWays(`a ${side} gets 3 MiB back, byte for byte (TLS)`, async (make) => {
    await using pool = make();
    const pair = await tlsPair();
    const other = side === "server" ? pair.client : pair.server;
    using _ = other;
    const result = pool.execute("echo", [pair[side]]);
    const sent = pattern(LARGE);
    const [back] = await Promise.all([
      readAll(other),
      writeAll(other, sent).then(() => other.closeWrite()),
    ]);
    assert(sameBytes(back, sent));
    assertEquals(await result, LARGE);
  });
}

bothWays("streams carry bytes there and back (TLS)", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair();
  using _ = client;
  const result = pool.execute("echoStreams", [server]);
  const sent = pattern(500_000);
  const [back] = await Promise.all([
    readAll(client),
    writeAll(client, sent).then(() => client.closeWrite()),
  ]);
  assert(sameBytes(back, sent));
  await result;
});

bothWays("a job that has ended its side still reads (TLS)", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair();
  using _ = client;
  const result = pool.execute("closeWriteThenRead", [server]);
  assertEquals(await readText(client), "bye");
  await writeAll(client, encode("late"));
  assertEquals(await result, "late");
});

bothWays("its addresses are known (TLS)", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair();
  using _ = client;
  const addresses = [server.localAddr, server.remoteAddr];
  const known = await pool.execute(
    (conn: Deno.TlsConn) => [conn.localAddr, conn.remoteAddr],
    [server],
  );
  assertEquals(known, addresses.map((address) => ({ ...address })));
});

for (const side of ["server", "client"] as const) {
  bothWays(`a job shakes hands as the ${side}`, async (make) => {
    await using pool = make();
    const pair = await tlsPair();
    const other = side === "server" ? pair.client : pair.server;
    using _ = other;
    const shaken = pool.execute(shake, [pair[side]]);
    assertEquals(await shake(other), "spindle");
    assertEquals(await shaken, "spindle");
  });
}

bothWays("a handshake may begin after the move", async (make) => {
  await using pool = make();
  using gate = new Gate();
  const pair = await unshakenPair();
  const shaken = pool.execute(
    async (conn: Deno.TlsConn, key: SharedArrayBuffer) => {
      const info = conn.handshake();
      const words = new Int32Array(key);
      Atomics.add(words, 0, 1);
      Atomics.notify(words, 0);
      await conn.write(new Uint8Array([7]));
      return (await info).alpnProtocol;
    },
    [pair.server, gate.key],
  );
  // The job is there, and waits.
  await gate.arrived();
  using client = await Deno.startTls(pair.client, clientOptions());
  assertEquals(await readAll(client), new Uint8Array([7]));
  assertEquals(await shaken, "spindle");
});

bothWays("a client that does not trust is refused by class", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair([]);
  using _ = client;
  const shaken = pool.execute(shake, [server]);
  assertEquals([await shake(client), await shaken], [
    "InvalidData",
    "InvalidData",
  ]);
});

bothWays("a job does not trust, and gets the error by class", async (make) => {
  await using pool = make();
  const { client, server } = await tlsPair([]);
  using _ = server;
  const failed = pool.execute(failures, [client]);
  await server.handshake().catch(() => {});
  assertEquals(await failed, ["InvalidData", "InvalidData"]);
});

bothWays("a client that speaks no TLS gives the native error", async (make) => {
  const native = await unshakenPair();
  await writeAll(native.client, encode("GET / HTTP/1.1\r\n\r\n"));
  const expected = await failures(native.server);
  native.client.close();
  native.server.close();

  await using pool = make();
  const { client, server } = await unshakenPair();
  using _ = client;
  const failed = pool.execute(failures, [server]);
  await writeAll(client, encode("GET / HTTP/1.1\r\n\r\n"));
  assertEquals(await failed, expected);
});

bothWays("a client that goes before it shakes hands is told", async (make) => {
  await using pool = make();
  const { client, server } = await unshakenPair();
  const shaken = pool.execute(shake, [server]);
  client.close();
  assertEquals(await shaken, "UnexpectedEof");
});

bothWays("an abort interrupts a read (TLS)", async (make) => {
  await using pool = make();
  using gate = new Gate();
  const { client, server } = await tlsPair();
  using _ = client;
  const stop = new AbortController();
  const result = pool.execute("readThroughAbort", [server, gate.key], stop);
  await gate.arrived();
  stop.abort("no longer");
  assertEquals(await result.catch((reason) => reason), "no longer");
  assertEquals(await readText(client), "Interrupted,Interrupted");
});
