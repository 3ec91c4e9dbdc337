// Connections move into jobs: in the worker they are what they were here.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/connections.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import {
  type Pair,
  pattern,
  readAll,
  readText,
  sameBytes,
  tcpPair,
  unixPair,
  writeAll,
} from "./sockets.ts";

const windows = Deno.build.os === "windows";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/connections.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

const encode = (text: string) => new TextEncoder().encode(text);

/** Both kinds of sockets behave the same. */
function bothKinds(
  name: string,
  fn: (pair: () => Promise<Pair>) => Promise<void>,
): void {
  poolTest(`${name} (TCP)`, () => fn(tcpPair));
  poolTest({
    name: `${name} (unix sockets; skipped on Windows)`,
    ignore: windows,
  }, () => fn(unixPair));
}

bothKinds("a connection is read and written in a job", async (pair) => {
  await using pool = makePool();
  const { client, server } = await pair();
  using _ = client;
  const result = pool.execute("echo", [server]);
  await writeAll(client, encode("one "));
  await writeAll(client, encode("two"));
  await client.closeWrite();
  assertEquals(await readText(client), "one two");
  assertEquals(await result, 7);
});

bothKinds("readable and writable work in a job", async (pair) => {
  await using pool = makePool();
  const { client, server } = await pair();
  using _ = client;
  const result = pool.execute("echoStreams", [server]);
  const sent = pattern(300_000);
  const [back] = await Promise.all([
    readAll(client),
    writeAll(client, sent).then(() => client.closeWrite()),
  ]);
  assert(sameBytes(back, sent));
  await result;
});

bothKinds(
  "4 MiB go through a job, byte for byte, there and back at once",
  async (pair) => {
    await using pool = makePool();
    const { client, server } = await pair();
    using _ = client;
    const result = pool.execute("echo", [server]);
    const sent = pattern(4 * 1024 * 1024 + 13);
    const [back] = await Promise.all([
      readAll(client),
      writeAll(client, sent).then(() => client.closeWrite()),
    ]);
    assert(sameBytes(back, sent));
    assertEquals(await result, sent.length);
  },
);

bothKinds("8 MiB arrive in a job byte for byte", async (pair) => {
  await using pool = makePool();
  const { client, server } = await pair();
  const result = pool.execute("sum", [server]);
  const sent = pattern(8 * 1024 * 1024);
  await writeAll(client, sent);
  client.close();
  let sum = 0;
  for (const byte of sent) sum = (sum * 31 + byte) | 0;
  assertEquals(await result, [sent.length, sum]);
});

bothKinds("localAddr and remoteAddr are known in a job", async (pair) => {
  await using pool = makePool();
  const { client, server } = await pair();
  using _ = client;
  const { localAddr, remoteAddr } = server;
  assertEquals(await pool.execute("describe", [server as Deno.TcpConn]), {
    localAddr: localAddr as Deno.NetAddr,
    remoteAddr: remoteAddr as Deno.NetAddr,
  });
});

bothKinds("a job may end its side and still read", async (pair) => {
  await using pool = makePool();
  const { client, server } = await pair();
  using _ = client;
  const result = pool.execute("closeWriteThenRead", [server]);
  assertEquals(await readText(client), "bye");
  await writeAll(client, encode("answer"));
  assertEquals(await result, "answer");
});

bothKinds(
  "a job starts, and may speak first, though the client has sent nothing",
  async (pair) => {
    await using pool = makePool();
    const { client, server } = await pair();
    using _ = client;
    const result = pool.execute("greet", [server]);
    assertEquals(await readText(client), "hello");
    await result;
  },
);

bothKinds(
  "what the client has sent before the move is read in the job",
  async (pair) => {
    await using pool = makePool();
    const { client, server } = await pair();
    await writeAll(client, encode("early"));
    client.close();
    assertEquals(await pool.execute("readSmall", [server]), "ear|ly|");
  },
);

poolTest(
  "connections are found at any depth of arrays and objects",
  async () => {
    await using pool = makePool();
    const pairs = await Promise.all([tcpPair(), tcpPair(), tcpPair()]);
    const [first, ...others] = pairs.map(({ server }) => server);
    const value: Parameters<typeof jobs.greetDeep>[0] = {
      list: [{ conn: first, name: "deep" }],
      others,
    };
    const isSame = await pool.execute("greetDeep", [value, first]);
    const texts = await Promise.all(
      pairs.map(({ client }) => readText(client)),
    );
    assertEquals(texts, ["deep", "other deep", "other deep"]);
    assert(isSame);
    assert(value.list[0].conn === first, "the caller's object has changed");
    for (const { client } of pairs) client.close();
  },
);

poolTest(
  "a connection moves beside a moved buffer and a cloned Map",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const buffer = new ArrayBuffer(4);
    const object = { a: 1 };
    const result = pool.execute(
      async (
        conn: Deno.Conn,
        { list, map, object }: {
          list: ArrayBuffer[];
          map: Map<string, unknown>;
          object: unknown;
        },
      ) => {
        await conn.write(new Uint8Array(list[0]));
        return [map.get("a"), map.get("object") === object];
      },
      [server, {
        list: [transfer(buffer)],
        map: new Map<string, unknown>([["a", 1n], ["object", object]]),
        object,
      }],
    );
    assert(buffer.detached);
    assertEquals(await readAll(client), new Uint8Array(4));
    assertEquals(await result, [1n, true]);
  },
);

poolTest("two reads at once get different bytes", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("readTwice", [server]);
  await writeAll(client, encode("ab"));
  assertEquals(await result, "ab");
});

poolTest(
  "a handler may use its buffer again once write() has resolved",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("reuseBuffer", [server]);
    const bytes = await readAll(client);
    await result;
    assertEquals(bytes.length, 200_000);
    assert(bytes.every((byte, i) => byte === Math.floor(i / 10_000)));
  },
);

poolTest(
  "a handler that writes faster than its client reads has to wait",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const size = 48 * 1024 * 1024;
    const words = new Int32Array(new SharedArrayBuffer(4));
    const result = pool.execute("flood", [server, size, words.buffer]);
    const buffer = new Uint8Array(256 * 1024);
    let read = 0;
    let ahead = 0;
    for (let count; (count = await client.read(buffer)) !== null;) {
      assert(buffer.subarray(0, count).every((byte) => byte === 7));
      read += count;
      ahead = Math.max(ahead, Atomics.load(words, 0) - read);
      // Slower than the handler, though nothing here waits for a clock.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await result;
    assertEquals(read, size);
    assert(ahead < size / 2, `the handler was ${ahead} bytes ahead`);
  },
);

poolTest(
  "a client that writes faster than its handler reads has to wait",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using gate = new Gate();
    const result = pool.execute(
      async (conn: Deno.Conn, key: SharedArrayBuffer) => {
        const words = new Int32Array(key);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        await Atomics.waitAsync(words, 1, 0).value;
        const buffer = new Uint8Array(256 * 1024);
        let total = 0;
        for (let count; (count = await conn.read(buffer)) !== null;) {
          total += count;
        }
        return total;
      },
      [server, gate.key],
    );
    await gate.arrived();
    const size = 64 * 1024 * 1024;
    const chunk = new Uint8Array(64 * 1024);
    let written = 0;
    let isStuck = false;
    const writing = (async () => {
      while (written < size) {
        written += await client.write(chunk);
      }
      client.close();
    })();
    for (let before = -1; !isStuck && written < size; before = written) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      isStuck = before === written;
    }
    assert(isStuck, "the client could write all");
    gate.open();
    await writing;
    assertEquals(await result, written);
  },
);

poolTest(
  "200 connections, 20 at once, are all served by two workers",
  async () => {
    await using pool = makePool(2);
    let left = 200;
    async function clients() {
      while (left > 0) {
        const text = `client ${left}`.repeat(left--);
        const { client, server } = await tcpPair();
        using _ = client;
        const result = pool.execute("echo", [server]);
        await writeAll(client, encode(text));
        await client.closeWrite();
        assertEquals(await readText(client), text);
        assertEquals(await result, text.length);
      }
    }
    await Promise.all(Array.from({ length: 20 }, clients));
  },
);

const CONTAINERS: Record<string, (conn: Deno.Conn) => unknown> = {
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

for (const [name, make] of Object.entries(CONTAINERS)) {
  poolTest(`a connection in ${name} moves`, async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const isFound = pool.execute(async (value: unknown) => {
      const found: Deno.Conn[] = [];
      const find = (value: unknown): void => {
        if (typeof value !== "object" || value === null) return;
        if ("remoteAddr" in value) found.push(value as Deno.Conn);
        else if (value instanceof Map) [...value].flat().forEach(find);
        else if (value instanceof Set) value.forEach(find);
        else Object.values(value).forEach(find);
      };
      find(value);
      await found[0]?.write(new Uint8Array([7]));
      return found.length;
    }, [make(server)]);
    const [bytes, count] = await Promise.all([readAll(client), isFound]);
    assertEquals([[...bytes], count], [[7], 1]);
  });
}

poolTest("a connection cannot move back to the caller", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  await assertRejects(
    () => pool.execute("giveBack", [server]),
    JobCloneError,
    "connection",
  );
  assertEquals(await readText(client), "");
});
