// Where the queue is full, the caller's own thread executes the job.
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/when_full.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { readAll, tcpPair } from "./sockets.ts";
import { poolUntyped } from "./untyped.ts";

function makePool(capacity = 0): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/when_full.ts", import.meta.url);
  const queue = { capacity, whenFull: "caller-runs" } as const;
  return new ThreadPool<typeof jobs>({ module, size: 1, queue });
}

/** A job that holds the worker until the gate is open. */
async function holdWorker(pool: ThreadPool<typeof jobs>) {
  const gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  return { held, gate, [Symbol.dispose]: () => gate.open() };
}

poolTest("while there is room, a worker runs the job", async () => {
  await using pool = makePool(1);
  const key = await pool.execute("whichThread");
  assertEquals(await pool.execute("whichThread"), key);
  const { whichThread } = await import("./fixtures/when_full.ts");
  assertNotEquals(key, whichThread());
});

poolTest("where the queue is full, the caller runs the job", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  const { whichThread } = await import("./fixtures/when_full.ts");
  assertEquals(await pool.execute("whichThread"), whichThread());
  holder.gate.open();
  await holder.held;
  assertNotEquals(await pool.execute("whichThread"), whichThread());
});

poolTest("an inline job and its failure are as in a worker", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  assertEquals(await pool.execute((a: number, b: number) => a + b, [1, 2]), 3);
  const error = await assertRejects(() => pool.execute("fail"), RangeError);
  assertEquals(error.message, "failed");
  holder.gate.open();
  await holder.held;
});

poolTest("caller and job share no object", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  const argument = { list: [1, 2] };
  const result = await pool.execute("echo", [argument]);
  assertEquals(result, argument);
  assert(result !== argument);
  const bytes = new Uint8Array(4);
  const filled = await pool.execute("fill", [bytes, 7]);
  assertEquals([bytes[0], filled[0]], [0, 7]);
  holder.gate.open();
  await holder.held;
});

poolTest("what is to move does so", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  const bytes = new Uint8Array([1, 2, 3]);
  const result = pool.execute("fill", [transfer(bytes), 7]);
  assertEquals(bytes.length, 0);
  assertEquals(await result, new Uint8Array([7, 7, 7]));
  holder.gate.open();
  await holder.held;
});

poolTest("a connection moves into a job that the caller runs", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  using runs = new Gate();
  const { client, server } = await tcpPair();
  const written = pool.execute("writeTo", [server, runs.key]);
  assertEquals(new TextDecoder().decode(await readAll(client)), "written");
  await written;
  client.close();
  holder.gate.open();
  await holder.held;
});

poolTest("such a job counts, and can be aborted", async () => {
  await using pool = makePool();
  using holder = await holdWorker(pool);
  using gate = new Gate();
  const controller = new AbortController();
  const waiting = pool.execute("passGate", [gate.key], controller);
  const aborted = assertRejects(() => waiting, RangeError);
  await gate.arrived();
  assertEquals(pool.stats().running, 2);
  controller.abort(new RangeError("no longer"));
  await aborted;
  gate.open();
  holder.gate.open();
  await holder.held;
  const { aborted: count, completed } = pool.stats();
  assertEquals({ count, completed }, { count: 1, completed: 1 });
});

poolTest("close() waits for what the caller runs", async () => {
  const pool = makePool();
  using holder = await holdWorker(pool);
  using gate = new Gate();
  let hasEnded = false;
  const here = pool.execute("passGate", [gate.key]).then(() => hasEnded = true);
  await gate.arrived();
  holder.gate.open();
  await holder.held;
  const closed = pool.close();
  gate.open();
  await closed;
  assert(hasEnded);
  await here;
});

poolTest("terminate() rejects what the caller runs", async () => {
  const pool = makePool();
  using gate = new Gate();
  using holder = await holdWorker(pool);
  const here = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const rejected = [holder.held, here].map((job) => assertRejects(() => job));
  await pool.terminate("enough");
  await Promise.all(rejected);
});

poolTest("what it cannot keep is refused together with it", async () => {
  const queue = { whenFull: "caller-runs" } as const;
  const UNKEPT = {
    timeout: 100,
    hardKill: true,
    memoryLimit: 64,
    permissions: "none",
  };
  for (const [name, value] of Object.entries(UNKEPT)) {
    assertThrows(
      () => poolUntyped({ queue, [name]: value }),
      TypeError,
      `\`${name}\``,
    );
  }
  await using pool = new ThreadPool({ queue, size: 1 });
  await assertRejects(
    () => pool.execute(() => 1, [], { timeout: 100 }),
    TypeError,
    "`timeout`",
  );
});
