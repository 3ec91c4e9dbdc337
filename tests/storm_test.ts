// Jobs of all kinds at once: each promise settles, with its own result or error.
import { assert, assertEquals } from "@std/assert";
import {
  JobCloneError,
  PoolTerminatedError,
  ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/storm.ts";
import { KINDS } from "./fixtures/storm.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { randomOf } from "./random.ts";
import { readText, say, tcpPair } from "./sockets.ts";

const module = new URL("./fixtures/storm.ts", import.meta.url);
const makePool = (size: number) =>
  new ThreadPool<typeof jobs>({ module, size });

const WORK = Object.keys(KINDS);
const ALL = [...WORK, ...Array(4).fill("quick"), "double", "shout"];

/** Submits one job, and checks what becomes of it, unless it is ended by others. */
async function submit(
  pool: ThreadPool<typeof jobs>,
  kind: string,
  i: number,
  signal?: AbortSignal,
): Promise<void> {
  const options = { signal };
  if (kind === "quick") {
    return assertEquals(await pool.execute("quick", [i], options), i * 2);
  }
  if (kind === "double") {
    const numbers = transfer(new Uint32Array([i, i + 1]));
    const doubled = await pool.execute("double", [numbers], options);
    return assertEquals(doubled, new Uint32Array([i * 2, i * 2 + 2]));
  }
  if (kind === "shout") {
    const { client, server } = await tcpPair();
    using _ = client;
    await say(client, `job ${i}`);
    if (signal?.aborted) server.close(); // refused, it would stay ours
    await pool.execute("shout", [server], options);
    return assertEquals(await readText(client), `JOB ${i}`);
  }
  const result = pool.execute("work", [kind, i], options);
  if (kind === "throw" || kind === "uncloneable") {
    const error = await result.then(() => undefined, (error) => error);
    const isOwn = kind === "throw"
      ? error instanceof RangeError && error.message === `job ${i}`
      : error instanceof JobCloneError;
    if (!isOwn) throw error;
  } else {
    assertEquals(await result, await KINDS[kind](i));
  }
}

for (const seed of [1, 2]) {
  poolTest(`execute() settles each job of a storm (seed ${seed})`, async () => {
    await using pool = makePool(3);
    const next = randomOf(seed);
    const checks: Promise<void>[] = [];
    for (let i = 0; i < 1_000; i++) {
      const kind = ALL[Math.floor(next() * ALL.length)];
      if (kind === "crash" && next() < 0.7) continue;
      const controller = new AbortController();
      const { signal } = controller;
      checks.push(
        submit(pool, kind, i, signal).catch((error) => {
          if (signal.aborted && error === signal.reason) return;
          // A worker that dies takes along what runs on it or has moved there.
          if (!(error instanceof WorkerCrashedError)) throw error;
          assert(kind === "crash" || !error.started, `${kind} ${i}: ${error}`);
        }),
      );
      const fate = next();
      if (fate < 0.1) controller.abort(`abort ${i}`);
      else if (kind === "untilAbort" || fate < 0.3) {
        setTimeout(() => controller.abort(`abort ${i}`), next() * 40);
      }
      if (next() < 0.05) await new Promise((r) => setTimeout(r, next() * 4));
    }
    await Promise.all(checks);
    await pool.drain();
    // Aborted jobs may still be on their way to their end.
    await eventually(() => {
      const { queued, running } = pool.stats();
      return queued + running === 0;
    }, () => `Expected nothing to be left: ${Deno.inspect(pool.stats())}`);
  });
}

poolTest("terminate() settles each job of a storm", async () => {
  for (const ms of [1, 10, 30]) {
    const pool = makePool(2);
    const next = randomOf(ms);
    const checks: Promise<void>[] = [];
    const timer = setTimeout(() => pool.terminate("enough"), ms);
    for (let i = 0; i < 300; i++) {
      const kind = WORK[Math.floor(next() * WORK.length)];
      checks.push(
        submit(pool, kind, i).catch((error) => {
          if (error instanceof PoolTerminatedError) return;
          if (error instanceof WorkerCrashedError && kind === "crash") return;
          throw error;
        }),
      );
      if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve));
    }
    await Promise.all(checks);
    await pool.terminate();
    clearTimeout(timer);
  }
});
