// A unix socket moves into a job in both ways, though its descriptor never does.
import { assert, assertEquals } from "@std/assert";
import { bothWays, type MakePool } from "./connection_ways.ts";
import {
  pattern,
  readAll,
  readText,
  sameBytes,
  unixPair,
  writeAll,
} from "./sockets.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const windows = Deno.build.os === "windows";

/** Windows has no unix sockets. */
function unixTest(name: string, fn: (make: MakePool) => Promise<void>): void {
  if (!windows) bothWays(`${name} (unix sockets)`, fn);
}

for (const side of ["server", "client"] as const) {
  unixTest(`a ${side} gets 3 MiB back, byte for byte`, async (make) => {
    await using pool = make();
    const pair = await unixPair();
    const other = side === "server" ? pair.client : pair.server;
    using _ = other;
    const result = pool.execute("echo", [pair[side]]);
    const sent = pattern(3 * 1024 * 1024 + 5);
    const [back] = await Promise.all([
      readAll(other),
      writeAll(other, sent).then(() => other.closeWrite()),
    ]);
    assert(sameBytes(back, sent));
    assertEquals(await result, sent.length);
  });
}

unixTest("both sides of one connection move into jobs", async (make) => {
  await using pool = make({ size: 2 });
  const { client, server } = await unixPair();
  const echoed = pool.execute("echo", [server]);
  const asked = pool.execute("closeWriteThenRead", [client]);
  assertEquals(await asked, "bye");
  assertEquals(await echoed, 3);
});

unixTest("a job that has ended its side still reads", async (make) => {
  await using pool = make();
  const { client, server } = await unixPair();
  using _ = client;
  const result = pool.execute("closeWriteThenRead", [server]);
  assertEquals(await readText(client), "bye");
  await writeAll(client, encode("late"));
  assertEquals(await result, "late");
});

unixTest("its addresses are known", async (make) => {
  await using pool = make();
  const { client, server } = await unixPair();
  using _ = client;
  const { localAddr, remoteAddr } = server;
  const known = await pool.execute(
    (conn: Deno.Conn) => [conn.localAddr, conn.remoteAddr],
    [server],
  );
  assertEquals(known, [{ ...localAddr }, { ...remoteAddr }]);
});

unixTest("a client that is gone gives the native errors", async (make) => {
  const fail = async (conn: Deno.Conn): Promise<string[]> => {
    const names: string[] = [];
    const note = (error: Error) => void names.push(error.name);
    const buffer = new Uint8Array(64 * 1024);
    await conn.read(buffer).then((count) => names.push(String(count)), note);
    for (let i = 0; i < 100 && names.length < 2; i++) {
      await conn.write(buffer).catch(note);
    }
    return names;
  };
  const native = await unixPair();
  native.client.close();
  const expected = await fail(native.server);
  native.server.close();

  await using pool = make();
  const { client, server } = await unixPair();
  client.close();
  assertEquals(await pool.execute(fail, [server]), expected);
});
