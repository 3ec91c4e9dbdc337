// Tests of many clients at once, some of which misbehave: nothing of them is left.
import { assertEquals } from "@std/assert";
import { connectionSuites, TCP } from "./connection_kinds.ts";
import { ask, readAll, resettablePair, tcpPair } from "./sockets.ts";

connectionSuites("A flood of connections", TCP, {
  "execute() leaves nothing of 400 reset connections": async (t) => {
    const pool = t.make({ size: 2, concurrency: 16 });
    t.gate.open();
    for (let batch = 0; batch < 4; batch++) {
      const clients = await Promise.all(
        Array.from({ length: 100 }, resettablePair),
      );
      const results = clients.map(async ({ server, reset }, i) => {
        // Half of them are reset before they move.
        if (i % 2 === 0) await reset();
        const result = pool.execute("failureOf", [server, "read", t.gate.key]);
        if (i % 2 === 1) await reset();
        return await result;
      });
      assertEquals(
        await Promise.all(results),
        Array(100).fill("ConnectionReset"),
      );
    }
    assertEquals(pool.stats().completed, 400);
  },

  "execute() holds 200 silent clients, and answers each": async (
    t,
  ) => {
    const pool = t.make({ size: 2, concurrency: 32 });
    const all = await Promise.all(Array.from({ length: 200 }, tcpPair));
    const results = all.map(({ server }) => {
      return pool.execute("arriveAndEcho", [server, t.gate.key]);
    });
    await t.gate.arrived(64);
    const { running, queued } = pool.stats();
    assertEquals([running, queued], [64, 136]);
    // The last first, even though their jobs have not started.
    const answers = all.reverse().map(async ({ client }, i) => {
      using _ = client;
      assertEquals(await ask(client, `${i}`), `${i}`);
    });
    await Promise.all([...answers, ...results]);
    assertEquals(pool.stats().completed, 200);
  },

  "execute() serves others alongside a client that reads slowly": async (t) => {
    const pool = t.make({ concurrency: 2 });
    const slow = await t.pair();
    const size = 8 * 1024 * 1024;
    const result = pool.execute("flood", [slow.server, size]);
    const buffer = new Uint8Array(64 * 1024);
    let read = 0;
    for (let i = 0; i < 20; i++) {
      read += await slow.client.read(buffer) ?? 0;
      const other = await t.pair();
      const echoed = pool.execute("echo", [other.server]);
      assertEquals(await ask(other.client, "other"), "other");
      await echoed;
    }
    read += (await readAll(slow.client)).length;
    await result;
    assertEquals(read, size);
  },
});
