// Tests that every kind of connection does the same in a job, however it moves.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobCloneError, transfer } from "@spindle/thread-pool";
import { ownConnection as ownOfCopy } from "../src/moving/connection.ts?copy=2";
import {
  ALL,
  BYTES,
  type Connections,
  connectionSuites,
  TCP,
} from "./connection_kinds.ts";
import { type Cases, rows } from "./moving_pools.ts";
import {
  ask,
  exchange,
  pattern,
  readAll,
  readCount,
  readText,
  sameBytes,
  say,
  writeAll,
} from "./sockets.ts";

const MIB = 1024 * 1024;
const MEMORY = ["array", "part", "node", "shared", "resizable"] as const;

/** Ways to write, each with the total length and the length of a piece. */
const WRITES = {
  "piece by piece": ["array", 80_000, 4],
  "all at once": ["array", 5_000_003, 5_000_003],
  "without waiting": ["unawaited", 100_000, 1_000],
  "by its stream": ["stream", 500_000, 10_000],
} as const;

const CARRIES: Cases<Connections> = {
  "Conn.read() and write() carry bytes in both directions": async (t) => {
    const { client, result } = await t.serve("echo");
    const sent = pattern(2 * MIB + 1);
    assert(sameBytes(await exchange(client, sent), sent));
    assertEquals(await result, sent.length);
  },

  "execute() moves the connecting side": async (t) => {
    const { client, server } = await t.pair();
    const result = t.pool.execute("echo", [client]);
    const sent = pattern(MIB + 1);
    assert(sameBytes(await exchange(t.use(server), sent), sent));
    assertEquals(await result, sent.length);
  },
};

connectionSuites("A connection in a job", BYTES, CARRIES);

connectionSuites("A connection in a job", ALL, {
  ...CARRIES,

  "execute() moves both sides of one connection": async ({ make, pair }) => {
    const { client, server } = await pair();
    const pool = make({ size: 2 });
    const echoed = pool.execute("echo", [server]);
    assertEquals(await pool.execute("endThenRead", [client]), "bye");
    assertEquals(await echoed, 3);
  },

  "Conn has its addresses, and accepts its options": async ({ pool, pair }) => {
    const { server } = await pair();
    const { localAddr, remoteAddr } = server;
    assertEquals(await pool.execute("addresses", [server]), {
      localAddr: { ...localAddr },
      remoteAddr: { ...remoteAddr },
    });
  },

  "Conn.read() gets what was sent before the move": async ({ pool, pair }) => {
    const { client, server } = await pair();
    await Promise.all([say(client, "early"), handshake(server)]);
    await client.closeWrite();
    assertEquals(await pool.execute("readThrees", [server]), ["ear", "ly"]);
  },

  "Conn.read() gets what was sent while other jobs ran first": async (
    t,
  ) => {
    const held = t.pool.execute("blockAtGate", [t.gate.key]);
    await t.gate.arrived();
    const pairs = await Promise.all(Array.from({ length: 5 }, t.pair));
    const results = pairs.map(({ server }) =>
      t.pool.execute("reply", [server])
    );
    const large = await t.pair();
    const read = t.pool.execute("readPattern", [large.server, "array", 1_000]);
    const answers = pairs.map(({ client }, i) => ask(client, `early ${i}`));
    await exchangeEarly(large.client);
    t.gate.open();
    for (const [i, answer] of answers.entries()) {
      assertEquals(await answer, `re: early ${i}`);
      assertEquals(await results[i], `early ${i}`);
    }
    assertEquals(await read, 50_000);
    await held;

    /** Sends more than a buffer holds, before any job reads it. */
    async function exchangeEarly(client: Deno.Conn): Promise<void> {
      await writeAll(client, pattern(50_000));
      await client.closeWrite();
    }
  },

  "Conn.read() lets two waiting reads take turns": async ({ gate, serve }) => {
    const { client, result } = await serve("readBoth", gate.key);
    await gate.arrived();
    await say(client, "ab");
    assertEquals(await result, "ab");
  },

  "Conn.read() fills every kind of memory, and BYOB readers": async (t) => {
    for (const how of [...MEMORY, "byob"] as const) {
      const { client, result } = await t.serve("readPattern", how, 7_000);
      await exchange(client, pattern(100_000));
      assertEquals(await result, 100_000, how);
    }
  },

  ...rows(
    WRITES,
    (how) => `Conn.write() sends all bytes in order, ${how}`,
    async ({ serve }, [how, length, piece]) => {
      const { client, result } = await serve(
        "writePattern",
        how,
        length,
        piece,
      );
      assert(sameBytes(await readAll(client), pattern(length)));
      await result;
    },
  ),

  "Conn.write() lets the job reuse every kind of memory": async (t) => {
    for (const how of MEMORY) {
      for (const piece of [10, 5_000, 40_000, 200_000]) {
        const { client, server } = await t.pair();
        const length = 10 * piece;
        const args = [server, how, length, piece] as const;
        const result = t.pool.execute("writePattern", [...args]);
        const bytes = await readAll(client);
        assert(sameBytes(bytes, pattern(length)), `${how}, ${piece} bytes`);
        await result;
      }
    }
  },

  "Conn.readable and writable carry bytes in both directions": async (t) => {
    const { client, result } = await t.serve("echoStreams");
    const sent = pattern(1_000_001);
    assert(sameBytes(await exchange(client, sent), sent));
    await result;
  },

  "execute() keeps apart the connections that one worker serves at once":
    async (
      t,
    ) => {
      const pool = t.make({ concurrency: 16 });
      const pairs = await Promise.all(Array.from({ length: 32 }, t.pair));
      const results = pairs.map(({ server }) => pool.execute("echo", [server]));
      await Promise.all(pairs.map(async ({ client }, i) => {
        for (let step = 0; step < 5; step++) {
          const text = `client ${i}, step ${step}`;
          await say(client, text);
          assertEquals(await readCount(client, text.length), text);
        }
        await client.closeWrite();
      }));
      await Promise.all(results);
    },

  "execute() serves other clients alongside a silent client": async (t) => {
    const pool = t.make({ concurrency: 2 });
    const silent = await t.pair();
    const held = pool.execute("arriveAndEcho", [silent.server, t.gate.key]);
    await t.gate.arrived();
    for (let i = 0; i < 10; i++) {
      const { client, result } = await t.serve("reply");
      assertEquals(await ask(client, "quick"), "re: quick");
      await result;
    }
    assertEquals(await ask(silent.client, "late"), "late");
    await held;
  },
});

async function handshake(conn: Deno.Conn): Promise<void> {
  if ("handshake" in conn) await (conn as Deno.TlsConn).handshake();
}

/** More bytes than the buffers of a socket and of the pool hold. */
const FAR_AHEAD = 16 * MIB;
const MUCH = 48 * MIB;

/** Resolves with a count once it has not grown for a while. */
async function stalled(count: () => number): Promise<number> {
  for (let last = -1;;) {
    const now = count();
    if (now > 0 && now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

connectionSuites("Backpressure of a connection", TCP, {
  "Conn.write() waits for clients that read nothing": async (t) => {
    const pool = t.make({ concurrency: 4 });
    const pairs = await Promise.all(Array.from({ length: 4 }, t.pair));
    const writers = pairs.map(({ server, client }) => {
      const written = new SharedArrayBuffer(4);
      const result = pool.execute("flood", [server, MUCH, written]);
      return { client, result, words: new Int32Array(written) };
    });
    for (const { words } of writers) {
      const ahead = await stalled(() => Atomics.load(words, 0));
      assert(ahead < FAR_AHEAD, `The job was ${ahead} bytes ahead`);
    }
    const [first, ...others] = writers;
    assertEquals((await readAll(first.client)).length, MUCH);
    await first.result;
    for (const { client } of others) client.close();
    await Promise.allSettled(others.map(({ result }) => result));
  },

  "Conn.read() holds back the client while it is not called": async (t) => {
    const { client, result } = await t.serve("failureOf", "read", t.gate.key);
    await t.gate.arrived();
    let written = 0;
    const writing = (async () => {
      const chunk = new Uint8Array(64 * 1024);
      while (written < MUCH) written += await client.write(chunk);
      client.close();
    })();
    const ahead = await stalled(() => written);
    assert(ahead < FAR_AHEAD, `The client was ${ahead} bytes ahead`);
    t.gate.open();
    assertEquals(await result, "end");
    await writing;
  },
});

const CONTAINERS: Record<string, (conn: Deno.Conn) => unknown> = {
  "an object in an array": (conn) => [{ deep: [{ conn }] }],
  "a Map": (conn) => new Map([["conn", conn]]),
  "a Map as its key": (conn) => new Map([[conn, 1]]),
  "a Set": (conn) => new Set([1, conn]),
  "a Map in a Set in an array": (conn) => [new Set([new Map([[1, [conn]]])])],
  "an object without a prototype": (conn) =>
    Object.assign(Object.create(null), { conn }),
  "an instance of a class": (conn) =>
    new class Holder {
      conn = conn;
    }(),
  "an array with a property": (conn) => Object.assign([1], { conn }),
  "a long array": (conn) => [...new Array(2_000).fill(0), conn],
};

connectionSuites("A connection among values", TCP, {
  ...rows(
    CONTAINERS,
    (name) => `execute() finds a connection in ${name}`,
    async ({ pool, pair }, make) => {
      const { client, server } = await pair();
      const isSame = pool.execute(
        async (value: unknown, again: Deno.Conn) => {
          const find = (value: unknown): Deno.Conn[] =>
            typeof value !== "object" || value === null
              ? []
              : "remoteAddr" in value
              ? [value as Deno.Conn]
              : value instanceof Map
              ? [...value].flat().flatMap(find)
              : value instanceof Set
              ? [...value].flatMap(find)
              : Object.values(value).flatMap(find);
          const [conn, ...others] = find(value);
          await conn.write(new Uint8Array([7]));
          return conn === again && others.length === 0;
        },
        [make(server), server],
      );
      assertEquals(await readAll(client), new Uint8Array([7]));
      assert(await isSame);
    },
  ),

  "execute() moves several connections along with buffers and clones": async (
    t,
  ) => {
    const pairs = await Promise.all([t.pair(), t.pair()]);
    const buffer = new ArrayBuffer(4);
    const value = {
      conns: pairs.map(({ server }) => server),
      buffers: [transfer(buffer)],
      map: new Map([["a", 1n]]),
    };
    const result = t.pool.execute(
      async ({ conns, buffers, map }: typeof value) => {
        for (const conn of conns) await conn.write(new Uint8Array(buffers[0]));
        return map;
      },
      [value],
    );
    assert(buffer.detached);
    for (const [i, { client, server }] of pairs.entries()) {
      assertEquals(await readAll(client), new Uint8Array(4));
      assert(value.conns[i] === server, "The caller's object has changed");
    }
    assertEquals(await result, value.map);
  },

  "execute() rejects a connection that another copy of the package has moved":
    async (t) => {
      const { server } = await t.pair();
      ownOfCopy(server);
      await assertRejects(
        async () => await t.pool.execute("echo", [server]),
        JobCloneError,
        "has already moved into a job",
      );
      server.close();
    },

  "execute() rejects a connection in a result, and closes it": async (t) => {
    const { client, server } = await t.pair();
    await assertRejects(
      () => t.pool.execute((conn: Deno.Conn) => [{ conn }], [server]),
      JobCloneError,
      "connection",
    );
    assertEquals(await readText(client), "");
  },
});
