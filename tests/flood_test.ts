// Many clients at once, and such as are not nice: nothing of them is left.
import { assert, assertEquals, assertLess } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { bothWays } from "./connection_ways.ts";
import { canCountDescriptors, countDescriptors } from "./descriptors.ts";
import { Gate } from "./gate.ts";
import { countWorkers, eventually } from "./live_workers.ts";
import { readAll, resettablePair, tcpPair, writeAll } from "./sockets.ts";

const pairs = (count: number) =>
  Promise.all(Array.from({ length: count }, tcpPair));

/** Fails unless the pool has nothing but its idle workers, and the process as many descriptors. */
async function assertNothingLeft(
  pool: Pick<ThreadPool, "stats">,
  workers: number,
  descriptors: number,
): Promise<void> {
  const { size, idle, queued, running } = pool.stats();
  assertEquals({ size, idle, queued, running }, {
    size: workers,
    idle: workers,
    queued: 0,
    running: 0,
  });
  assertEquals(await countWorkers(), workers);
  if (!canCountDescriptors) return;
  let now = 0;
  await eventually(
    () => (now = countDescriptors()) <= descriptors,
    () => `Expected ${descriptors} descriptors, found ${now}`,
  );
}

bothWays("1 500 connections that are reset leave nothing", async (make) => {
  await using pool = make({ size: 2, concurrency: 16 });
  // Both workers are there.
  using gate = new Gate();
  const first = await pairs(32);
  const held = first.map(({ server }) => {
    return pool.execute("holdAndEcho", [server, gate.key]);
  });
  await gate.arrived(32);
  for (const { client } of first) client.close();
  await Promise.all(held);
  const descriptors = countDescriptorsHere();

  const outcomes: Record<string, number> = {};
  for (let batch = 0; batch < 15; batch++) {
    const clients = await Promise.all(
      Array.from({ length: 100 }, resettablePair),
    );
    const results = clients.map(async ({ server, reset }, i) => {
      // Some are gone before they move.
      if (i % 2 === 0) await reset();
      const result = pool.execute("untilReset", [server]);
      if (i % 2 === 1) await reset();
      return await result;
    });
    for (const outcome of await Promise.all(results)) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  }
  assertEquals(outcomes, { ConnectionReset: 1_500 });
  await assertNothingLeft(pool, 2, descriptors);
});

function countDescriptorsHere(): number {
  return canCountDescriptors ? countDescriptors() : 0;
}

bothWays("300 clients that are silent are held, and answered", async (make) => {
  await using pool = make({ size: 2, concurrency: 64 });
  using gate = new Gate();
  const all = await pairs(300);
  const results = all.map(({ server }) => {
    return pool.execute("holdAndEcho", [server, gate.key]);
  });
  await gate.arrived(128);
  const { running, queued } = pool.stats();
  assertEquals([running, queued], [128, 172]);
  // The last first, though they have not got their turn.
  const answers = all.reverse().map(async ({ client }, i) => {
    using _ = client;
    await client.write(new Uint8Array([i % 256]));
    await client.closeWrite();
    assertEquals(await readAll(client), new Uint8Array([i % 256]));
  });
  await Promise.all([...answers, ...results]);
  assertEquals(pool.stats().completed, 300);
});

const CLIENTS = 10;
const MUCH = 128 * 1024 * 1024;
/** The buffers of a socket and those of the pool. */
const FAR_AHEAD = 16 * 1024 * 1024;

bothWays("clients that read nothing cost no memory", async (make) => {
  await using pool = make({ concurrency: CLIENTS });
  const all = await pairs(CLIENTS);
  const before = Deno.memoryUsage().rss;
  const counters = all.map(() => new Int32Array(new SharedArrayBuffer(4)));
  const results = all.map(({ server }, i) => {
    const written = counters[i].buffer as SharedArrayBuffer;
    return pool.execute("flood", [server, MUCH, written]);
  });
  await Promise.all(counters.map(stalled));
  const grown = Deno.memoryUsage().rss - before;
  for (const [i, written] of counters.entries()) {
    const ahead = Atomics.load(written, 0);
    assert(ahead > 0 && ahead < FAR_AHEAD, `job ${i} was ${ahead} bytes ahead`);
  }
  // All together would have been ten times as much.
  assertLess(grown, MUCH);
  for (const { client } of all) client.close();
  await Promise.allSettled(results);
});

/** Resolves when a count has not grown for a while. */
async function stalled(words: Int32Array): Promise<void> {
  for (let last = 0;;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = Atomics.load(words, 0);
    if (now > 0 && now === last) return;
    last = now;
  }
}

bothWays("a client that reads slowly gets all", async (make) => {
  await using pool = make({ concurrency: 2 });
  const { client, server } = await tcpPair();
  using _ = client;
  const size = 4 * 1024 * 1024;
  const result = pool.execute("flood", [server, size]);
  // Others are served meanwhile.
  const buffer = new Uint8Array(64 * 1024);
  let read = 0;
  for (let count; (count = await client.read(buffer)) !== null;) {
    read += count;
    const other = await tcpPair();
    using _ = other.client;
    const echoed = pool.execute("echo", [other.server]);
    await writeAll(other.client, new Uint8Array(10));
    await other.client.closeWrite();
    assertEquals((await readAll(other.client)).length, 10);
    await echoed;
  }
  await result;
  assertEquals(read, size);
});
