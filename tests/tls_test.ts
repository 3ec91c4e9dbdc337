// TLS handshakes of moved connections: in the job, and before or after the move.
import { assertEquals } from "@std/assert";
import { connectionSuites, TLS } from "./connection_kinds.ts";
import { rows } from "./moving_pools.ts";
import { readAll } from "./sockets.ts";
import { clientOptions, tlsPair, unshakenPair } from "./tls.ts";

/** Returns the protocol of a handshake, or the name of its error. */
async function shake(conn: Deno.TlsConn): Promise<string | null> {
  try {
    return (await conn.handshake()).alpnProtocol;
  } catch (error) {
    return (error as Error).name;
  }
}

const SIDES = {
  server: ["server", "client"],
  client: ["client", "server"],
} as const;

connectionSuites("A handshake", TLS, {
  ...rows(
    SIDES,
    (side) => `TlsConn.handshake() runs in a job, as the ${side}`,
    async ({ pool, use }, [side, otherSide]) => {
      const pair = await tlsPair();
      const other = use(pair[otherSide]);
      const shaken = pool.execute(shake, [pair[side]]);
      assertEquals(await shake(other), "spindle");
      assertEquals(await shaken, "spindle");
    },
  ),

  ...rows(
    SIDES,
    (side) => `TlsConn.handshake() keeps its error's class, as the ${side}`,
    async ({ pool, use }, [side, otherSide]) => {
      const pair = await tlsPair([]);
      const other = use(pair[otherSide]);
      const shaken = pool.execute(shake, [pair[side]]);
      assertEquals([await shake(other), await shaken], [
        "InvalidData",
        "InvalidData",
      ]);
    },
  ),

  "TlsConn.handshake() starts after the move": async ({ pool, gate, use }) => {
    const pair = await unshakenPair();
    const shaken = pool.execute("shakeAndWrite", [pair.server, gate.key]);
    // The job has started and waits.
    await gate.arrived();
    const client = use(await Deno.startTls(pair.client, clientOptions()));
    assertEquals(await readAll(client), new Uint8Array([7]));
    assertEquals(await shaken, "spindle");
  },

  "TlsConn.handshake() rejects when the client leaves": async ({ pool }) => {
    const { client, server } = await unshakenPair();
    const shaken = pool.execute(shake, [server]);
    client.close();
    assertEquals(await shaken, "UnexpectedEof");
  },
});
