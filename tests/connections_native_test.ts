// Tests that a connection in a job does what it does natively.
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { ALL } from "./connection_kinds.ts";
import * as uses from "./fixtures/native_conns.ts";
import { closeIfOpen, isOldDeno, rows, suite } from "./moving_pools.ts";
import { type Pair, readAll, say, unixPair } from "./sockets.ts";
import { shakenPair, tlsPair, unshakenPair } from "./tls.ts";

const module = new URL("./fixtures/native_conns.ts", import.meta.url);

/** Uses, each with what its client sends: data left unread would reset the connection. */
const USES = {
  useNoBytes: "",
  writeViews: "",
  writeText: "",
  members: "",
  readTwo: "hello",
  readOthers: "hello",
  afterEnd: "",
  afterClose: "",
} as const;

type Run = (conn: Deno.TcpConn) => string[] | Promise<string[]>;

/** Returns what a job sees in a connection, and what its client receives. */
async function play(
  pair: Promise<Pair>,
  sent: string,
  run: Run,
): Promise<[string[], string]> {
  const { client, server } = await pair;
  try {
    await say(client, sent);
    const seen = await run(server as Deno.TcpConn);
    closeIfOpen(server);
    return [seen, (await readAll(client)).join()];
  } finally {
    client.close();
  }
}

for (const [name, { options, pair, ...more }] of Object.entries(ALL)) {
  const make = name === "TLS" ? shakenPair : pair;
  suite<typeof uses>({
    name: `A connection in a job behaves as natively (${name})`,
    options: { module, ...options },
    ...more,
    ignore: more.ignore || isOldDeno,
    cases: rows(
      USES as Record<string, string>,
      (use) => `Conn behaves as natively: ${use}`,
      async ({ pool }, sent, name) => {
        const use = name as keyof typeof USES;
        const native = await play(make(), sent, uses[use]);
        const moved = await play(
          make(),
          sent,
          (conn) => pool.execute(use, [conn]),
        );
        assertEquals(moved, native);
        assertNotEquals(moved, [[], ""]);
      },
    ),
  });
}

/** Connections that fail at their first use. */
const FAILING: Record<string, () => Promise<Pair>> = {
  "a client that does not speak TLS": async () => {
    const pair = await unshakenPair();
    await say(pair.client, "GET / HTTP/1.1\r\n\r\n");
    await pair.client.closeWrite();
    return pair;
  },
  "a client that disconnects before the handshake": async () => {
    const pair = await unshakenPair();
    await pair.client.closeWrite();
    return pair;
  },
  "a client that does not trust the server": async () => {
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

for (const connections of ["bytes", "descriptor"] as const) {
  suite<typeof uses>({
    name: `A connection in a job fails as natively (${connections})`,
    options: { module, connections },
    lingers: true,
    cases: {
      ...rows(
        FAILING,
        (name) => `Conn.write() and handshake() report ${name}`,
        async ({ pool, use }, make) => {
          for (const job of ["writeUnshaken", "streamUnshaken"] as const) {
            const [native, moved] = [await make(), await make()];
            for (const { client } of [native, moved]) use(client);
            const server = use(native.server) as Deno.TcpConn;
            const expected = await uses[job](server);
            const result = pool.execute(job, [moved.server as Deno.TcpConn]);
            assertEquals(await result, expected);
            assertMatch(expected[0], /InvalidData|UnexpectedEof/);
          }
        },
      ),
      ...(Deno.build.os === "windows" ? {} : {
        "Conn reports a Unix socket client that disconnected": async (
          { pool },
        ) => {
          const [native, moved] = [await unixPair(), await unixPair()];
          for (const { client } of [native, moved]) client.close();
          using server = native.server;
          const expected = await uses.useGone(server as never);
          const result = pool.execute("useGone", [moved.server as never]);
          assertEquals(await result, expected);
        },
      }),
    },
  });
}
