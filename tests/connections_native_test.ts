// A connection in a job does what the same one does natively.
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type { Way } from "./connection_ways.ts";
import * as uses from "./fixtures/native_conns.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, tcpPair, unixPair, writeAll } from "./sockets.ts";
import { tlsPair, unshakenPair } from "./tls.ts";

type Use = keyof typeof uses;
type MakePair = () => Promise<{ client: Deno.Conn; server: Deno.Conn }>;

const module = new URL("./fixtures/native_conns.ts", import.meta.url);
const hello = new TextEncoder().encode("hello");

async function shakenPair() {
  const pair = await tlsPair();
  await Promise.all([pair.client.handshake(), pair.server.handshake()]);
  return pair;
}

const KINDS: [name: string, ways: Way[], make: MakePair][] = [
  ["TCP", ["bytes", "descriptor"], tcpPair],
  ["TLS", ["bytes"], shakenPair],
];
if (Deno.build.os !== "windows") KINDS.push(["unix", ["bytes"], unixPair]);

const USES: Exclude<Use, "writeUnshaken" | "streamUnshaken">[] = [
  "useNoBytes",
  "writeViews",
  "writeText",
  "members",
  "readTwo",
  "readOthers",
  "afterEnd",
  "afterClose",
];

/** What is seen in it, and what its client gets. */
async function play(
  make: MakePair,
  sent: Uint8Array,
  run: (conn: Deno.TcpConn) => string[] | Promise<string[]>,
): Promise<[string[], string]> {
  const { client, server } = await make();
  try {
    await writeAll(client, sent);
    const seen = await run(server as Deno.TcpConn);
    closeIfOpen(server);
    return [seen, (await readAll(client)).join()];
  } finally {
    client.close();
  }
}

function closeIfOpen(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}

for (const [name, ways, make] of KINDS) {
  for (const connections of ways) {
    for (const use of USES) {
      poolTest(`${use}() as natively (${name}, ${connections})`, async () => {
        await using pool = new ThreadPool<typeof uses>({
          module,
          size: 1,
          connections,
        });
        // What is not read would reset the connection.
        const sent = use.startsWith("read") ? hello : new Uint8Array();
        const native = await play(make, sent, uses[use]);
        const moved = await play(
          make,
          sent,
          (conn) => pool.execute(use, [conn]),
        );
        assertEquals(moved, native);
        assertNotEquals(moved, [[], ""]);
      });
    }
  }
}

/** Pairs whose handshake fails. */
const UNSHAKEN: Record<string, MakePair> = {
  "a client that speaks no TLS": async () => {
    const pair = await unshakenPair();
    await writeAll(pair.client, hello);
    await pair.client.closeWrite();
    return pair;
  },
  "a client that has left": async () => {
    const pair = await unshakenPair();
    await pair.client.closeWrite();
    return pair;
  },
  "a client that does not trust": async () => {
    const pair = await tlsPair([]);
    pair.client.handshake().catch(() => {});
    return pair;
  },
  "a server that is not trusted": async () => {
    const { client, server } = await tlsPair([]);
    server.handshake().catch(() => {});
    return { client: server, server: client };
  },
};

for (const [name, make] of Object.entries(UNSHAKEN)) {
  poolTest(`the first write() tells of ${name}, as natively`, async () => {
    await using pool = new ThreadPool<typeof uses>({ module, size: 1 });
    for (const use of ["writeUnshaken", "streamUnshaken"] as const) {
      const [native, moved] = [await make(), await make()];
      const expected = await uses[use](native.server as Deno.TcpConn);
      assertEquals(
        await pool.execute(use, [moved.server as Deno.TcpConn]),
        expected,
      );
      assert(expected[0].match(/InvalidData|UnexpectedEof/));
      closeIfOpen(native.server);
      for (const { client } of [native, moved]) closeIfOpen(client);
    }
  });
}
