// How a connection ends, whichever way it has moved: resets, aborts, crashes.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerCrashedError } from "@spindle/thread-pool";
import { bothWays } from "./connection_ways.ts";
import { Gate } from "./gate.ts";
import {
  readAll,
  readText,
  resettablePair,
  tcpPair,
  writeAll,
} from "./sockets.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Reads so many bytes. */
async function readCount(conn: Deno.Conn, length: number): Promise<string> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await conn.read(bytes.subarray(read));
    if (count === null) return "end";
    read += count;
  }
  return new TextDecoder().decode(bytes);
}

bothWays(
  "a read gives ConnectionReset when the client resets",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const { server, reset } = await resettablePair();
    const result = pool.execute("failureOf", [server, gate.key, "read"]);
    await gate.arrived();
    await reset();
    gate.open();
    assertEquals(await result, "ConnectionReset");
  },
);

bothWays("a read that waits gives ConnectionReset as well", async (make) => {
  await using pool = make();
  using gate = new Gate();
  gate.open();
  const { server, reset } = await resettablePair();
  const result = pool.execute("failureOf", [server, gate.key, "read"]);
  await gate.arrived();
  await reset();
  assertEquals(await result, "ConnectionReset");
});

bothWays("a write tells of a reset by its class", async (make) => {
  await using pool = make();
  using gate = new Gate();
  const { server, reset } = await resettablePair();
  const result = pool.execute("failureOf", [server, gate.key, "write"]);
  await gate.arrived();
  await reset();
  gate.open();
  const name = await result;
  assert(["ConnectionReset", "BrokenPipe"].includes(name), name);
});

bothWays(
  "close() interrupts a read that waits, and later uses give BadResource",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    assertEquals(await pool.execute("closeWhileReading", [server]), [
      "Interrupted",
      "BadResource",
      "BadResource",
      "BadResource",
    ]);
  },
);

bothWays(
  "an abort interrupts reads, and what is written still goes out",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    const stop = new AbortController();
    const args = [server, gate.key] as const;
    const result = pool.execute("readThroughAbort", [...args], stop);
    await gate.arrived();
    stop.abort(new Error("no longer"));
    await assertRejects(() => result, Error, "no longer");
    assertEquals(await readText(client), "Interrupted,Interrupted");
  },
);

bothWays(
  "an abort interrupts reads though there are bytes to be read",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    await writeAll(client, encode("ab"));
    const stop = new AbortController();
    const result = pool.execute("readAfterAbort", [server, gate.key], stop);
    await gate.arrived();
    stop.abort(new Error("no longer"));
    await assertRejects(() => result, Error, "no longer");
    // What the job leaves unread resets the connection, as it does natively.
    assertEquals(await readCount(client, 11), "Interrupted");
  },
);

bothWays(
  "a job that has returned gives BadResource to later uses",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    await pool.execute("leaveBehind", [server]);
    assertEquals(await readText(client), "");
    assertEquals(await pool.execute("useLeft"), [
      "BadResource",
      "BadResource",
      "BadResource",
    ]);
  },
);

bothWays(
  "it is closed when its job throws, and what it wrote arrives",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const failed = assertRejects(
      () => pool.execute("fail", [server]),
      RangeError,
      "handler failed",
    );
    assertEquals(await readText(client), "oops");
    await failed;
  },
);

bothWays("it is closed when its worker dies", async (make) => {
  await using pool = make();
  using gate = new Gate();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("crashAtGate", [server, gate.key]);
  await gate.arrived();
  gate.open();
  await assertRejects(() => result, WorkerCrashedError);
  assertEquals(await readText(client), "");
});

bothWays(
  "what was written is written out after the job has ended",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const size = 8 * 1024 * 1024;
    const words = new Int32Array(new SharedArrayBuffer(4));
    const shared = words.buffer as SharedArrayBuffer;
    const result = pool.execute("flood", [server, size, shared]);
    assertEquals((await readAll(client)).length, size);
    await result;
  },
);

bothWays(
  "jobs that had not started when their worker died are done by another",
  async (make) => {
    await using pool = make();
    for (let round = 0; round < 5; round++) {
      const pairs = await Promise.all(Array.from({ length: 8 }, tcpPair));
      for (const [i, { client }] of pairs.entries()) {
        await writeAll(client, encode(`round ${round}, client ${i}`));
      }
      const crash = assertRejects(
        () => pool.execute("exit"),
        WorkerCrashedError,
      );
      const results = pairs.map(({ server }) => {
        return pool.execute("reply", [server]);
      });
      for (const [i, { client }] of pairs.entries()) {
        using _ = client;
        await client.closeWrite();
        const text = `round ${round}, client ${i}`;
        assertEquals(await readText(client), `re: ${text}`);
        assertEquals(await results[i], text);
      }
      await crash;
    }
    assertEquals(pool.stats().crashed, 5);
  },
);

bothWays(
  "jobs in front of whom a worker dies with a connection are done by another",
  async (make) => {
    await using pool = make();
    for (let round = 0; round < 5; round++) {
      using gate = new Gate();
      gate.open();
      const pairs = await Promise.all(Array.from({ length: 6 }, tcpPair));
      const [dying, ...others] = pairs;
      for (const { client } of others) await writeAll(client, encode("first"));
      const crash = assertRejects(
        () => pool.execute("crashAtGate", [dying.server, gate.key]),
        WorkerCrashedError,
      );
      // All of them travel with the one that ends the worker.
      const results = others.map(({ server }) => {
        return pool.execute("reply", [server]);
      });
      for (const [i, { client }] of others.entries()) {
        using _ = client;
        await writeAll(client, encode(" second"));
        await client.closeWrite();
        assertEquals(await readText(client), "re: first second");
        assertEquals(await results[i], "first second");
      }
      await crash;
      dying.client.close();
    }
  },
);

bothWays(
  "a crash leaves what another job of the worker had written intact",
  async (make) => {
    await using pool = make();
    for (const size of [10, 8_000, 60_000, 900_000]) {
      const { client, server } = await tcpPair();
      using _ = client;
      const written = pool.execute("flood", [server, size]);
      const crash = assertRejects(
        () => pool.execute("exit"),
        WorkerCrashedError,
      );
      // Nothing is read before the worker is dead.
      await crash;
      assertEquals((await readAll(client)).length, size);
      await written;
    }
  },
);

bothWays(
  "connections that are in progress at once in one worker do not mix",
  async (make) => {
    await using pool = make({ concurrency: 16 });
    const pairs = await Promise.all(Array.from({ length: 60 }, tcpPair));
    const results = pairs.map(({ server }) => pool.execute("echo", [server]));
    await Promise.all(pairs.map(async ({ client }, i) => {
      using _ = client;
      for (let step = 0; step < 5; step++) {
        const text = `client ${i}, step ${step}`;
        await writeAll(client, encode(text));
        assertEquals(await readCount(client, text.length), text);
      }
      await client.closeWrite();
      assertEquals(await readText(client), "");
    }));
    await Promise.all(results);
    assertEquals(pool.stats().completed, 60);
  },
);

bothWays(
  "a silent client holds up no other of the same worker",
  async (make) => {
    await using pool = make({ concurrency: 2 });
    using gate = new Gate();
    const silent = await tcpPair();
    const held = pool.execute("holdAndEcho", [silent.server, gate.key]);
    await gate.arrived();
    for (let i = 0; i < 20; i++) {
      const { client, server } = await tcpPair();
      using _ = client;
      const result = pool.execute("reply", [server]);
      await writeAll(client, encode("quick"));
      await client.closeWrite();
      assertEquals(await readText(client), "re: quick");
      await result;
    }
    silent.client.close();
    await held;
  },
);

bothWays(
  "what a job wrote goes out though it then has its thread to itself",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("writeThenBlock", [server, gate.key]);
    await gate.arrived();
    assertEquals(await readCount(client, 6), "before");
    gate.open();
    await result;
  },
);

bothWays("close() waits for what jobs still write", async (make) => {
  const pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("echo", [server]);
  const closed = pool.close();
  await writeAll(client, encode("late"));
  await client.closeWrite();
  assertEquals(await readText(client), "late");
  assertEquals(await result, 4);
  await closed;
});
