// What a connection does in a job is the same whichever way it has moved.
import { assert, assertEquals } from "@std/assert";
import { bothWays } from "./connection_ways.ts";
import type { Memory } from "./fixtures/connection_ways.ts";
import { Gate } from "./gate.ts";
import {
  pattern,
  readAll,
  readText,
  sameBytes,
  tcpPair,
  writeAll,
} from "./sockets.ts";

const encode = (text: string) => new TextEncoder().encode(text);

bothWays("an accepted connection is read and written", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("echo", [server]);
  const sent = pattern(2 * 1024 * 1024 + 1);
  const [back] = await Promise.all([
    readAll(client),
    writeAll(client, sent).then(() => client.closeWrite()),
  ]);
  assert(sameBytes(back, sent));
  assertEquals(await result, sent.length);
});

bothWays("the side that has connected moves, too", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = server;
  const result = pool.execute("echo", [client]);
  await writeAll(server, encode("to the client"));
  await server.closeWrite();
  assertEquals(await readText(server), "to the client");
  assertEquals(await result, 13);
});

bothWays("both sides of one connection move into jobs", async (make) => {
  await using pool = make({ size: 2 });
  const { client, server } = await tcpPair();
  const echoed = pool.execute("echo", [server]);
  const asked = pool.execute("closeWriteThenRead", [client]);
  assertEquals(await asked, "bye");
  assertEquals(await echoed, 3);
});

bothWays("its addresses are known, and its options set", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const { localAddr, remoteAddr } = server;
  assertEquals(await pool.execute("describe", [server]), {
    localAddr,
    remoteAddr,
  });
});

bothWays("a job speaks first to a client that is silent", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("greet", [server]);
  assertEquals(await readText(client), "hello");
  await result;
});

bothWays(
  "what clients sent while other jobs were in front is there when theirs start",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const held = pool.execute("block", [gate.key]);
    await gate.arrived();
    const pairs = await Promise.all(Array.from({ length: 5 }, tcpPair));
    const results = pairs.map(({ server }) => pool.execute("reply", [server]));
    for (const [i, { client }] of pairs.entries()) {
      await writeAll(client, encode(`early ${i}`));
      await client.closeWrite();
    }
    gate.open();
    for (const [i, { client }] of pairs.entries()) {
      using _ = client;
      assertEquals(await readText(client), `re: early ${i}`);
      assertEquals(await results[i], `early ${i}`);
    }
    await held;
  },
);

bothWays(
  "more than a buffer that a client sent early arrives whole",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const held = pool.execute("block", [gate.key]);
    await gate.arrived();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("readInto", [server, "array"]);
    await writeAll(client, pattern(50_000));
    await client.closeWrite();
    gate.open();
    assert(await result);
    await held;
  },
);

bothWays(
  "a client that has ended its side still gets its answer",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("reply", [server]);
    await writeAll(client, encode("ask"));
    await client.closeWrite();
    assertEquals(await readText(client), "re: ask");
    await result;
  },
);

bothWays("a job that has ended its side still reads", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("closeWriteThenRead", [server]);
  assertEquals(await readText(client), "bye");
  await writeAll(client, encode("late"));
  assertEquals(await result, "late");
});

bothWays(
  "a write after closeWrite() gives BrokenPipe, as natively",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const name = await pool.execute("writeAfterEnd", [server]);
    assertEquals(name, "BrokenPipe");
  },
);

bothWays("many small writes arrive in order, and all", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("count", [server, 20_000]);
  const words = new Uint32Array((await readAll(client)).slice().buffer);
  assertEquals(words.length, 20_000);
  assert(words.every((word, i) => word === i));
  await result;
});

bothWays("a write of 5 MB arrives whole, in as many steps", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("writeLarge", [server, 5_000_003]);
  assert(sameBytes(await readAll(client), pattern(5_000_003)));
  const first = await result;
  assert(first > 0 && first <= 5_000_003, `${first} were written at once`);
});

bothWays("writes that are not awaited arrive in order", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("writeUnawaited", [server]);
  const bytes = await readAll(client);
  assertEquals(bytes.length, 100_000);
  assert(bytes.every((byte, i) => byte === Math.floor(i / 1_000)));
  await result;
});

for (const kind of ["array", "part", "node", "shared", "resizable"] as const) {
  bothWays(`bytes are read into any view: ${kind}`, async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("readInto", [server, kind]);
    await writeAll(client, pattern(50_000));
    await client.closeWrite();
    assert(await result);
  });

  for (const length of [10, 5_000, 40_000, 200_000]) {
    bothWays(
      `a buffer is free again after write(): ${length} bytes, ${kind}`,
      (make) => reuses(make, kind, length),
    );
  }
}

async function reuses(
  make: Parameters<Parameters<typeof bothWays>[1]>[0],
  kind: Memory,
  length: number,
): Promise<void> {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("reuse", [server, kind, length]);
  const bytes = await readAll(client);
  await result;
  assertEquals(bytes.length, 20 * length);
  assert(bytes.every((byte, i) => byte === Math.floor(i / length)));
}

bothWays(
  "two reads at once get the bytes that come one after the other",
  async (make) => {
    await using pool = make();
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("readTwoBytes", [server, gate.key]);
    const writing = async () => {
      await gate.arrived();
      await writeAll(client, encode("a"));
      // Both wait by now, and the first gets what has come.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await writeAll(client, encode("b"));
    };
    const [text] = await Promise.all([result, writing()]);
    assertEquals(text, "ab");
  },
);

const FAR_AHEAD = 16 * 1024 * 1024;
const MUCH = 48 * 1024 * 1024;

bothWays("a job is never far ahead of a client that is slow", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const words = new Int32Array(new SharedArrayBuffer(4));
  const result = pool.execute("flood", [
    server,
    MUCH,
    words.buffer as SharedArrayBuffer,
  ]);
  const buffer = new Uint8Array(64 * 1024);
  let read = 0;
  let ahead = 0;
  for (let count; (count = await client.read(buffer)) !== null;) {
    read += count;
    ahead = Math.max(ahead, Atomics.load(words, 0) - read);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await result;
  assertEquals(read, MUCH);
  assert(ahead < FAR_AHEAD, `the job was ${ahead} bytes ahead`);
});

bothWays("a client is never far ahead of a job that is slow", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  const words = new Int32Array(new SharedArrayBuffer(4));
  const result = pool.execute("readSlowly", [
    server,
    words.buffer as SharedArrayBuffer,
  ]);
  const chunk = new Uint8Array(64 * 1024);
  let written = 0;
  let ahead = 0;
  while (written < MUCH) {
    written += await client.write(chunk);
    ahead = Math.max(ahead, written - Atomics.load(words, 0));
  }
  client.close();
  assertEquals(await result, written);
  assert(ahead < FAR_AHEAD, `the client was ${ahead} bytes ahead`);
});

bothWays("streams carry bytes there and back", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("echoStreams", [server]);
  const sent = pattern(1_000_001);
  const [back] = await Promise.all([
    readAll(client),
    writeAll(client, sent).then(() => client.closeWrite()),
  ]);
  assert(sameBytes(back, sent));
  await result;
});

bothWays("a reader that brings its own buffer gets all", async (make) => {
  await using pool = make();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("readByob", [server]);
  await writeAll(client, pattern(300_000));
  await client.closeWrite();
  assert(await result);
});

bothWays(
  "what is written to the stream arrives, with its end",
  async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("writeStream", [server, 500_000]);
    assert(sameBytes(await readAll(client), pattern(500_000)));
    await result;
  },
);

for (const which of ["readable", "writable"] as const) {
  bothWays(`who gives up ${which} closes the connection`, async (make) => {
    await using pool = make();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("cancelStream", [server, which]);
    assertEquals(await readText(client), "");
    assertEquals(await result, "BadResource");
  });
}
