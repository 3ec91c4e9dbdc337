// However a job with a connection ends, no file descriptor of it is left; and
// where the descriptor itself moves, main need not be there.
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { bothWays, makePool, type Way } from "./connection_ways.ts";
import { canCountDescriptors, countDescriptors } from "./descriptors.ts";
import type * as jobs from "./fixtures/connection_ways.ts";
import type { ClientOptions } from "./fixtures/client_worker.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";
import { type Pair, readAll, tcpPair, writeAll } from "./sockets.ts";

type Pool = ThreadPool<typeof jobs>;

/** Some jobs with connections, up to the end of all of them. */
type Scenario = (pool: Pool, pairs: Pair[]) => Promise<unknown>;

const SCENARIOS: Record<string, Scenario> = {
  "clients end": (pool, pairs) =>
    Promise.all(pairs.map(async ({ client, server }) => {
      const result = pool.execute("echo", [server]);
      await writeAll(client, new Uint8Array(10_000));
      await client.closeWrite();
      await readAll(client);
      await result;
    })),

  "clients close while a job waits": async (pool, pairs) => {
    const results = pairs.map(({ server }) => pool.execute("echo", [server]));
    for (const { client } of pairs) client.close();
    await Promise.allSettled(results);
  },

  "clients reset": async (pool, pairs) => {
    for (const { server } of pairs) await server.write(new Uint8Array(1));
    const results = pairs.map(({ server }) => {
      return pool.execute("untilReset", [server]);
    });
    for (const { client } of pairs) client.close();
    await Promise.all(results);
  },

  "jobs throw": (pool, pairs) =>
    Promise.allSettled(
      pairs.map(({ server }) => pool.execute("fail", [server])),
    ),

  "jobs keep their connections": (pool, pairs) =>
    Promise.all(
      pairs.map(({ server }) => pool.execute("leaveBehind", [server])),
    ),

  "jobs close them": (pool, pairs) =>
    Promise.all(
      pairs.map(({ server }) => pool.execute("disposeEarly", [server])),
    ),

  "jobs cannot be executed": (pool, pairs) =>
    Promise.allSettled(
      pairs.map(({ server }) => pool.execute("bogus" as "greet", [server])),
    ),

  "jobs are aborted, running and queued": async (pool, pairs) => {
    using gate = new Gate();
    const stop = new AbortController();
    const results = pairs.map(({ server }) => {
      return pool.execute("readThroughAbort", [server, gate.key], stop);
    });
    await gate.arrived();
    stop.abort("no longer");
    await Promise.allSettled(results);
  },

  "workers die, with jobs running and queued": async (pool, pairs) => {
    using gate = new Gate();
    gate.open();
    const results = pairs.map(({ server }, i) => {
      return i % 3 === 0
        ? pool.execute("crashAtGate", [server, gate.key])
        : pool.execute("greet", [server]);
    });
    await Promise.allSettled(results);
  },
};

const ROUNDS = 4;

/** Runs a scenario with connections of its own. */
async function play(pool: Pool, scenario: Scenario): Promise<void> {
  const pairs = await Promise.all(Array.from({ length: 6 }, tcpPair));
  await scenario(pool, pairs);
  for (const { client } of pairs) {
    try {
      client.close();
    } catch (error) {
      // The scenario has closed it.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Only Linux lists descriptors. */
function countedTest(
  name: string,
  fn: (make: () => Pool, way: Way) => Promise<void>,
): void {
  for (const way of ["bytes", "descriptor"] as const) {
    poolTest({
      name: `${name} (${way}; only on Linux)`,
      ignore: !canCountDescriptors,
    }, () => fn(() => makePool(way, { concurrency: 2 }), way));
  }
}

/** How many are open once what has ended a moment ago is gone. */
async function settledCount(): Promise<number> {
  let last = 0;
  let same = 0;
  await eventually(() => {
    const now = countDescriptors();
    same = now === last ? same + 1 : 0;
    last = now;
    return same === 10;
  }, () => "Expected the number of descriptors to settle");
  return last;
}

async function backAt(start: number): Promise<void> {
  let now = 0;
  await eventually(
    () => (now = countDescriptors()) <= start,
    () => `Expected ${start} descriptors, found ${now}`,
  );
}

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  countedTest(`no descriptor is left when ${name}`, async (make) => {
    await using pool = make();
    // What the process and a worker have for themselves is there after one round.
    await play(pool, scenario);
    const start = await settledCount();
    for (let i = 0; i < ROUNDS; i++) await play(pool, scenario);
    await backAt(start);
  });
}

countedTest("no descriptor is left when pools are terminated", async (make) => {
  const terminated: Scenario = async (_, pairs) => {
    const pool = make();
    using gate = new Gate();
    const results = pairs.map(({ server }) => {
      return pool.execute("hold", [server, gate.key]);
    });
    await gate.arrived(2);
    await Promise.allSettled([pool.terminate(), ...results]);
  };
  await using unused = make();
  await play(unused, terminated);
  const start = await settledCount();
  for (let i = 0; i < ROUNDS; i++) await play(unused, terminated);
  await backAt(start);
});

/** A client in a thread of its own, connected to what is accepted here. */
async function clientInWorker(options: ClientOptions) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL("./fixtures/client_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const accepted = listener.accept();
  worker.postMessage({ port: listener.addr.port, options });
  const progress = new Int32Array(options.progress);
  return {
    server: await accepted,
    get progress() {
      return Atomics.load(progress, 0);
    },
    ended: new Promise<void>((resolve) => {
      worker.addEventListener("message", () => resolve(), { once: true });
    }),
    [Symbol.dispose]: () => worker.terminate(),
  };
}

poolTest(
  "a connection that moved by its descriptor goes on while main is blocked",
  async () => {
    await using pool = makePool("descriptor");
    const progress = new SharedArrayBuffer(4);
    using client = await clientInWorker({ kind: "ping", progress });
    const result = pool.execute("echo", [client.server]);
    await eventually(() => client.progress > 0, () => "No byte has come back");
    const before = client.progress;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const during = client.progress - before;
    client[Symbol.dispose]();
    await result.catch(() => {});
    assertGreater(during, 20);
  },
);

const LARGE = 64 * 1024 * 1024;

bothWays("main has its turns while much goes through a job", async (make) => {
  await using pool = make();
  const progress = new SharedArrayBuffer(4);
  using client = await clientInWorker({ kind: "drink", progress });
  const result = pool.execute("flood", [client.server, LARGE]);
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await client.ended;
  clearInterval(timer);
  await result;
  assertEquals(client.progress, LARGE);
  assert(longest > 0);
  assertLess(longest, 250);
});

const MASKS = ["no_process", "no_binding", "no_method", "no_core"];

for (const mask of MASKS) {
  Deno.test(`without the private API bytes move instead: ${mask}`, async () => {
    const preload = new URL(
      `./fixtures/scripts/${mask}.ts`,
      import.meta.url,
    );
    assertEquals(
      await runScript(
        "scripts/descriptor_pool.ts",
        "-A",
        `--preload=${preload.href}`,
      ),
      { code: 0, stdout: "false\n1000000\n", stderr: "" },
    );
  });
}

Deno.test("with the private API descriptors move, but not on Windows", async () => {
  // Older versions of Deno lack a part of it.
  const can = Deno.build.os !== "windows" && "locks" in navigator;
  assertEquals(await runScript("scripts/descriptor_pool.ts", "-A"), {
    code: 0,
    stdout: `${can}\n1000000\n`,
    stderr: "",
  });
});
