// A connection is the pool's once it is accepted, and closed when its job ends,
// however that happens.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import {
  JobCloneError,
  PoolTerminatedError,
  ThreadPool,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/connections.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, readText, tcpPair, writeAll } from "./sockets.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/connections.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

/** What a client sees of a connection that is closed before it was used. */
async function assertClosed(client: Deno.Conn): Promise<void> {
  try {
    assertEquals(await readText(client), "");
  } catch (error) {
    // Closed while something that the client has sent is unread.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

poolTest("the connection is closed when its job returns", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("leaveBehind", [server]);
  await assertClosed(client);
  await result;
});

poolTest(
  "a connection that is used after its job has ended gives BadResource",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    await pool.execute("leaveBehind", [server]);
    assertEquals(await pool.execute("useLeft"), [
      "BadResource",
      "BadResource",
      "BadResource",
    ]);
  },
);

poolTest(
  "the connection is closed when its job throws, and what it wrote arrives",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("fail", [server]);
    const [text] = await Promise.all([
      readText(client),
      assertRejects(() => result, RangeError, "handler failed"),
    ]);
    assertEquals(text, "oops");
  },
);

poolTest("the connection is closed when the job does not exist", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  await assertRejects(() => pool.execute("bogus" as "greet", [server]));
  await assertClosed(client);
});

poolTest(
  "a job may close its connection by itself, and later uses fail",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const result = pool.execute("disposeEarly", [server]);
    assertEquals(await readText(client), "bye");
    assertEquals(await result, ["BadResource", "BadResource", "BadResource"]);
  },
);

poolTest("the connection is closed when its worker dies", async () => {
  await using pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("crash", [server]);
  await assertRejects(() => result, WorkerCrashedError);
  await readAll(client).catch((error) => {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  });
});

poolTest(
  "the connection is closed when its job is aborted in the queue",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const [first, second] = await Promise.all([tcpPair(), tcpPair()]);
    using _first = first.client;
    using _second = second.client;
    const held = pool.execute("hold", [first.server, gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const queued = pool.execute("greet", [second.server], controller);
    controller.abort(new Error("no longer"));
    await assertRejects(() => queued, Error, "no longer");
    await assertClosed(second.client);
    gate.open();
    await held;
  },
);

poolTest(
  "the connection of a running job is closed when the job ends after its abort",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    const controller = new AbortController();
    const result = pool.execute(
      "holdUntilAbort",
      [server, gate.key],
      controller,
    );
    await gate.arrived();
    controller.abort(new Error("no longer"));
    await assertRejects(() => result, Error, "no longer");
    assertEquals(await readText(client), "held");
  },
);

poolTest(
  "connections of running and of queued jobs are closed when the pool is terminated",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const pairs = await Promise.all([tcpPair(), tcpPair(), tcpPair()]);
    const results = pairs.map(({ server }) =>
      pool.execute("hold", [server, gate.key])
    );
    await gate.arrived();
    await Promise.all([
      pool.terminate(),
      ...results.map((result) =>
        assertRejects(() => result, PoolTerminatedError)
      ),
    ]);
    for (const { client } of pairs) {
      using _ = client;
      const text = await readText(client);
      assert(text === "" || text === "held", text);
    }
  },
);

poolTest(
  "connections are closed when the pool's module cannot start",
  async () => {
    const module = new URL("./fixtures/missing.ts", import.meta.url);
    await using pool = new ThreadPool({ module, size: 1 });
    const { client, server } = await tcpPair();
    using _ = client;
    await assertRejects(() => pool.execute("greet", [server]));
    await assertClosed(client);
  },
);

poolTest("close() waits for the jobs that have connections", async () => {
  const pool = makePool();
  const { client, server } = await tcpPair();
  using _ = client;
  const result = pool.execute("echo", [server]);
  const closed = pool.close();
  await writeAll(client, new TextEncoder().encode("late"));
  await client.closeWrite();
  assertEquals(await readText(client), "late");
  assertEquals(await result, 4);
  await closed;
});

poolTest(
  "a connection that has moved is refused a second time, and its first job goes on",
  async () => {
    await using pool = makePool(2);
    using gate = new Gate();
    const { client, server } = await tcpPair();
    using _ = client;
    const first = pool.execute("hold", [server, gate.key]);
    for (let i = 0; i < 2; i++) {
      await assertRejects(
        () => pool.execute("greet", [server]),
        JobCloneError,
        "already moved",
      );
      await gate.arrived();
    }
    await using other = makePool();
    await assertRejects(
      () => other.execute("greet", [server]),
      JobCloneError,
    );
    gate.open();
    await first;
    assertEquals(await readText(client), "held");
  },
);

poolTest(
  "a connection that is closed already makes its job fail, not the pool",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    client.close();
    server.close();
    await pool.execute("greet", [server]).catch((error) => {
      assert(error instanceof Deno.errors.BadResource, String(error));
    });
    assertEquals(await pool.execute("useLeft").catch(() => "ok"), "ok");
  },
);

poolTest(
  "what a handler wrote is written out after it has returned",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _ = client;
    const size = 8 * 1024 * 1024;
    const result = pool.execute("flood", [server, size]);
    const bytes = await readAll(client);
    await result;
    assertEquals(bytes.length, size);
  },
);

/** A job that has ended while its client has not read what it wrote. */
async function unread(pool: ThreadPool<typeof jobs>, signal?: AbortSignal) {
  const { client, server } = await tcpPair();
  const written = new SharedArrayBuffer(4);
  const size = await fillsSocket();
  const result = pool.execute("flood", [server, size, written], { signal });
  const words = new Int32Array(written);
  for (let i = 0; Atomics.load(words, 0) < size; i++) {
    if (i > 1_000) throw new Error(`wrote ${words[0]} of ${size}`);
    await delay(2);
  }
  // The worker is free again.
  await pool.execute("useLeft").catch(() => {});
  return { client, result, size };
}

/** More than the sockets of a connection hold, by less than the pool holds. */
async function fillsSocket(): Promise<number> {
  const { client, server } = await tcpPair();
  const chunk = new Uint8Array(64 * 1024);
  let written = 0;
  let stuck = false;
  const writing = (async () => {
    for (;;) written += await server.write(chunk);
  })().catch(() => {});
  for (let before = -1; !stuck; before = written) {
    await delay(30);
    stuck = before === written;
  }
  client.close();
  await writing;
  server.close();
  return written + 512 * 1024;
}

poolTest(
  "an abort while a job's last bytes are written out harms no queued job",
  async () => {
    await using pool = makePool();
    const controller = new AbortController();
    const { client, result } = await unread(pool, controller.signal);
    using _ = client;
    using gate = new Gate();
    const others = await tcpPair();
    using _client = others.client;
    const held = pool.execute("hold", [others.server, gate.key]);
    await gate.arrived();
    const queued = Array.from(
      { length: 5 },
      (_, i) => pool.execute((i: number) => i, [i]),
    );
    controller.abort(new Error("no longer"));
    await assertRejects(() => result, Error, "no longer");
    gate.open();
    await held;
    assertEquals(await Promise.all(queued), [0, 1, 2, 3, 4]);
    await pool.drain();
    assertEquals(pool.stats().queued, 0);
  },
);

poolTest(
  "terminate() while a job's last bytes are written out rejects the job",
  async () => {
    await using pool = makePool();
    const { client, result } = await unread(pool);
    using _ = client;
    await Promise.all([
      assertRejects(() => result, PoolTerminatedError),
      pool.terminate(),
    ]);
  },
);

poolTest(
  "a crash while another job's last bytes are written out loses none of them",
  async () => {
    await using pool = makePool();
    const { client, result, size } = await unread(pool);
    using _ = client;
    await assertRejects(() => pool.execute("crashAlone"), WorkerCrashedError);
    const bytes = await readAll(client);
    assertEquals(bytes.length, size);
    await result;
  },
);
