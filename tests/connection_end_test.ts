// Tests that an accepted connection belongs to the pool, which closes it when its job
// ends in any way, and still sends what was written.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  JobCloneError,
  JobTimeoutError,
  PoolTerminatedError,
  type ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import {
  ALL,
  type Connections,
  connectionSuites,
  TCP,
} from "./connection_kinds.ts";
import type * as jobs from "./fixtures/connections.ts";
import { closeIfOpen, isOldDeno, rows } from "./moving_pools.ts";
import {
  ask,
  readAll,
  readCount,
  readText,
  resettablePair,
  say,
  tcpPair,
} from "./sockets.ts";

const BAD = ["BadResource", "BadResource", "BadResource"];

/** Checks that a client sees a connection that was closed before it was used. */
async function assertClosed(client: Deno.Conn): Promise<void> {
  try {
    assertEquals(await readText(client), "");
  } catch (error) {
    // The connection was closed with data from the client unread.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

connectionSuites("The end of a connection", ALL, {
  "Conn.close() interrupts a waiting read, and later calls reject": async (
    t,
  ) => {
    const { client, result } = await t.serve("useClosed");
    assertEquals(await readText(client), "bye");
    assertEquals(await result, ["Interrupted", ...BAD]);
  },

  ...rows(
    { readable: "readable", writable: "writable" } as const,
    (which) =>
      `Conn.${which} closes the connection when it is canceled or aborted`,
    async ({ serve }, which) => {
      const { client, result } = await serve("useCancelled", which);
      assertEquals(await result, "BadResource");
      await assertClosed(client);
    },
  ),

  ...rows(
    { "that wait": 0, "though there are bytes": 1 },
    (reads) =>
      `Conn.read() rejects with Interrupted after an abort: reads ${reads}`,
    async ({ pool, pair, gate }, length) => {
      const { client, server } = await pair();
      const stop = new AbortController();
      const args = [server, gate.key, length] as const;
      const result = pool.execute("readThroughAbort", [...args], stop);
      const isAborted = assertRejects(() => result, Error, "no longer");
      await say(client, "ab".slice(0, 2 * length));
      await gate.arrived();
      stop.abort(new Error("no longer"));
      await isAborted;
      const outcomes = length ? ",Interrupted" : "Interrupted,Interrupted";
      // Bytes that a job leaves unread reset the connection, as they do natively.
      assertEquals(await readCount(client, outcomes.length), outcomes);
    },
  ),

  "execute() closes the connection when its job returns": async (t) => {
    const { client, server } = await t.pair();
    await t.pool.execute("keep", [server]);
    assertEquals(await readText(client), "");
    assertEquals(await t.pool.execute("useKept"), BAD);
  },

  "execute() closes the connection when its job throws": async (t) => {
    const { client, server } = await t.pair();
    const failed = assertRejects(
      () => t.pool.execute("fail", [server]),
      RangeError,
    );
    assertEquals(await readText(client), "oops");
    await failed;
  },

  "execute() closes the connection when its worker dies": async (t) => {
    const { client, result } = await t.serve("dieAtGate", t.gate.key);
    const died = assertRejects(() => result, WorkerCrashedError);
    assertEquals(await readCount(client, 4), "held");
    t.gate.open();
    await died;
    // The worker has no time to close TLS properly.
    assertEquals(await readText(client).catch(() => ""), "");
  },

  "execute() closes the connection when there is no such job": async (t) => {
    const { client, server } = await t.pair();
    await assertRejects(() => t.pool.execute("bogus" as "greet", [server]));
    await assertClosed(client).catch(ignoreEof);
  },

  "execute() closes the connection when its job is aborted in the queue":
    async (t) => {
      const held = t.pool.execute("blockAtGate", [t.gate.key]);
      await t.gate.arrived();
      const { client, server } = await t.pair();
      const stop = new AbortController();
      const queued = t.pool.execute("greet", [server], stop);
      stop.abort(new Error("no longer"));
      await assertRejects(() => queued, Error, "no longer");
      await assertClosed(client).catch(ignoreEof);
      t.gate.open();
      await held;
    },

  "terminate() closes the connections of running and queued jobs": async (
    t,
  ) => {
    const pool = t.make();
    const pairs = await Promise.all([t.pair(), t.pair(), t.pair()]);
    const results = pairs.map(({ server }) =>
      assertRejects(
        () => pool.execute("hold", [server, t.gate.key]),
        PoolTerminatedError,
      )
    );
    const texts = pairs.map(({ client }) => readText(client).catch(() => ""));
    await t.gate.arrived();
    await pool.terminate();
    await Promise.all(results);
    for (const text of await Promise.all(texts)) assert(/^(held)?$/.test(text));
  },

  "close() waits for jobs that have connections": async (t) => {
    const pool = t.make();
    const { client, result } = await t.serve("echo");
    const closed = pool.close();
    assertEquals(await ask(client, "late"), "late");
    assertEquals(await result, 4);
    await closed;
  },

  "execute() sends what is left to write after its job returns": async (t) => {
    const { client, server } = await t.pair();
    const size = 8 * 1024 * 1024;
    const result = t.pool.execute("flood", [server, size]);
    assertEquals((await readAll(client)).length, size);
    await result;
  },

  "execute() sends what a job wrote before it blocks": async (t) => {
    const { client, result } = await t.serve("writeThenBlock", t.gate.key);
    await t.gate.arrived();
    assertEquals(await readCount(client, 6), "before");
    t.gate.open();
    await result;
  },

  "execute() sends what a job wrote before its worker dies": async (t) => {
    for (const size of [10, 8_000, 60_000, 900_000]) {
      const { client, server } = await t.pair();
      const read = "handshake" in client ? readAll(client) : undefined;
      const written = t.pool.execute("flood", [server, size]);
      // The client reads nothing before the worker is dead.
      await assertRejects(() => t.pool.execute("exit"), WorkerCrashedError);
      assertEquals((await (read ?? readAll(client))).length, size);
      await written;
    }
  },

  ...rows(
    { "at once": "exit", "with a connection": "dieAtGate" } as const,
    (how) =>
      `execute() gives waiting connections to another worker when theirs dies ${how}`,
    async ({ pool, pair, gate, use }, how) => {
      gate.open();
      for (let round = 0; round < 3; round++) {
        const pairs = await Promise.all(Array.from({ length: 6 }, pair));
        const [dying, ...others] = pairs;
        if (how === "exit") use(dying.server);
        // Some data arrives before the connection moves.
        const sent = others.map(({ client }, i) => say(client, `${i}, `));
        const died = assertRejects(
          () =>
            how === "exit"
              ? pool.execute("exit")
              : pool.execute("dieAtGate", [dying.server, gate.key]),
          WorkerCrashedError,
        );
        // All of them are sent along with the job that ends the worker.
        const results = others.map(({ server }) => {
          return pool.execute("reply", [server]);
        });
        for (const [i, { client }] of others.entries()) {
          await sent[i];
          assertEquals(await ask(client, "more"), `re: ${i}, more`);
          assertEquals(await results[i], `${i}, more`);
        }
        await died;
      }
    },
  ),

  "execute() rejects a connection that another job has": async (
    t,
  ) => {
    const { client, server } = await t.pair();
    const first = t.pool.execute("hold", [server, t.gate.key]);
    const held = readText(client);
    for (const other of [t.pool, t.pool, t.make()]) {
      await assertRejects(
        () => other.execute("greet", [server]),
        JobCloneError,
        "already moved",
      );
      await t.gate.arrived();
    }
    t.gate.open();
    await first;
    assertEquals(await held, "held");
  },

  "execute() with a closed connection leaves the pool working": async (t) => {
    const { client, server } = await t.pair();
    client.close();
    server.close();
    await t.pool.execute("greet", [server]).catch((error) => {
      assert(error instanceof Deno.errors.BadResource, String(error));
    });
    assertEquals(await t.pool.execute(() => 1), 1);
  },
});

/** Ignores the error of a client whose server closes during the handshake. */
function ignoreEof(error: Error): void {
  if (!(error instanceof Deno.errors.UnexpectedEof)) throw error;
}

/** Jobs that end neither by themselves nor when aborted. */
const ENDLESS = {
  "loops": (_: Deno.Conn) => {
    for (;;);
  },
  "waits": (_: Deno.Conn) => new Promise<never>(() => {}),
};

/** Options of pools, by how they stop such a job. */
const STOPS: Record<string, ThreadPoolOptions> = {
  "by default": {},
  ...(isOldDeno ? {} : { "hardKill": { hardKill: true } }),
};

connectionSuites("A connection that is stopped", TCP, {
  ...rows(
    {
      "a read": [0, "read"],
      "a read that waits": [1, "read"],
      "a write": [0, "write"],
    } as const,
    (what) => `Conn rejects ${what} with the error class of a client's reset`,
    async ({ pool, gate }, [opens, action]) => {
      const { server, reset } = await resettablePair();
      if (opens) gate.open();
      const result = pool.execute("failureOf", [server, action, gate.key]);
      await gate.arrived();
      await reset();
      gate.open();
      const name = await result;
      const other = action === "write" ? "BrokenPipe" : "ConnectionReset";
      assert(["ConnectionReset", other].includes(name), name);
    },
  ),

  ...rows(
    ENDLESS,
    (what) =>
      `execute() closes the connection at the timeout of a job that ${what}`,
    async ({ make, pair }, job) => {
      for (const [name, options] of Object.entries(STOPS)) {
        const pool = make({ abortGrace: 20, ...options });
        const { client, server } = await pair();
        const late = assertRejects(
          () => pool.execute(job, [server], { timeout: 50 }),
          JobTimeoutError,
        );
        assertEquals(await readText(client), "", name);
        await late;
      }
    },
  ),

  "execute() closes connections when the module cannot start": async (t) => {
    const module = new URL("./fixtures/missing.ts", import.meta.url);
    const { client, server } = await t.pair();
    await assertRejects(() => t.make({ module }).execute("greet", [server]));
    await assertClosed(client);
  },
});

const { "TCP by bytes": bytes } = TCP;

connectionSuites("The last bytes of a connection", { "TCP by bytes": bytes }, {
  "execute() can be aborted while the last bytes are sent, without affecting other jobs":
    async (
      given,
    ) => {
      const { pool, gate } = given;
      const stop = new AbortController();
      const { result } = await unread(given, pool, stop.signal);
      const held = pool.execute("blockAtGate", [gate.key]);
      await gate.arrived();
      const queued = Array.from(
        { length: 5 },
        (_, i) => pool.execute((i: number) => i, [i]),
      );
      stop.abort(new Error("no longer"));
      await assertRejects(() => result, Error, "no longer");
      gate.open();
      await held;
      assertEquals(await Promise.all(queued), [0, 1, 2, 3, 4]);
    },

  "terminate() rejects a job whose last bytes are being sent": async (
    given,
  ) => {
    const pool = given.make();
    const { result } = await unread(given, pool);
    const isTerminated = assertRejects(() => result, PoolTerminatedError);
    await pool.terminate();
    await isTerminated;
  },

  "execute() loses no last bytes when another job crashes": async (given) => {
    const { client, result, size } = await unread(given, given.pool);
    await assertRejects(() => given.pool.execute("exit"), WorkerCrashedError);
    assertEquals((await readAll(client)).length, size);
    await result;
  },
});

/** Runs a job to its end while its client has not read what it wrote. */
async function unread(
  { pair }: Connections,
  pool: ThreadPool<typeof jobs>,
  signal?: AbortSignal,
) {
  const { client, server } = await pair();
  const size = await fillsSocket();
  const written = new SharedArrayBuffer(4);
  const result = pool.execute("flood", [server, size, written], { signal });
  const words = new Int32Array(written);
  for (let now; (now = Atomics.load(words, 0)) < size;) {
    await Atomics.waitAsync(words, 0, now).value;
  }
  // The worker is free again.
  await pool.execute(() => {});
  return { client, result, size };
}

/** Returns a size that exceeds what the sockets hold, by less than the pool holds. */
async function fillsSocket(): Promise<number> {
  const { client, server } = await tcpPair();
  let written = 0;
  const chunk = new Uint8Array(64 * 1024);
  const writing = (async () => {
    for (;;) written += await server.write(chunk);
  })().catch(() => {});
  for (let before = -1; before !== written;) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  client.close();
  await writing;
  closeIfOpen(server);
  return written + 512 * 1024;
}
