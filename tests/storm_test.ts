// Jobs of all kinds at once: each promise settles, with its own result or error.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  JobCloneError,
  PoolTerminatedError,
  ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/storm.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { readText, tcpPair } from "./sockets.ts";

const module = new URL("./fixtures/storm.ts", import.meta.url);

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (;;) {
    seed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    yield (seed >>> 8) / 2 ** 24;
  }
}

const KINDS = [
  "number",
  "text",
  "object",
  "map",
  "later",
  "throw",
  "reject",
  "uncloneable",
  "crash",
  "untilAbort",
  "quick",
  "quick",
  "quick",
  "quick",
  "double",
  "shout",
];

/** Submits one job, and checks what becomes of it. */
async function submit(
  pool: ThreadPool<typeof jobs>,
  kind: string,
  i: number,
  signal: AbortSignal,
): Promise<void> {
  switch (kind) {
    case "quick": {
      const value = await pool.execute("quick", [i], { signal });
      return assertEquals(value, i * 2);
    }
    case "double": {
      const numbers = transfer(new Uint32Array([i, i + 1]));
      const value = await pool.execute("double", [numbers], { signal });
      return assertEquals(value, new Uint32Array([i * 2, i * 2 + 2]));
    }
    case "shout": {
      using pair = await shoutingPair(`job ${i}`);
      if (signal.aborted) pair.server.close(); // refused, it would stay ours
      await pool.execute("shout", [pair.server], { signal });
      return assertEquals(await readText(pair.client), `JOB ${i}`);
    }
    default: {
      const result = pool.execute("work", [kind, i], { signal });
      const value = await result.catch((error) => {
        if (error === signal.reason || error instanceof WorkerCrashedError) {
          throw error;
        }
        return error;
      });
      return checkWork(kind, i, value);
    }
  }
}

/** A client that has said something already. */
async function shoutingPair(text: string) {
  const { client, server } = await tcpPair();
  await client.write(new TextEncoder().encode(text));
  return { client, server, [Symbol.dispose]: () => client.close() };
}

function checkWork(kind: string, i: number, value: unknown): void {
  switch (kind) {
    case "number":
      return assertEquals(value, i);
    case "text":
      return assertEquals(value, `job ${i} `.repeat(i % 50));
    case "object":
      return assertEquals(value, { i, list: [i, `${i}`] });
    case "map":
      return assertEquals(value, new Map([[i, { i }]]));
    case "later":
      return assertEquals(value, [i]);
    case "throw":
      assertInstanceOf(value, RangeError);
      return assertEquals(value.message, `job ${i}`);
    case "reject":
      assertInstanceOf(value, TypeError);
      return assertEquals(value.message, `job ${i}`);
    case "uncloneable":
      return void assertInstanceOf(value, JobCloneError);
    default:
      throw new Error(`Expected ${kind} to fail, got ${value}`);
  }
}

for (const seed of [1, 2, 3]) {
  poolTest(
    `a storm of jobs settles each as it should (seed ${seed})`,
    async () => {
      await using pool = new ThreadPool<typeof jobs>({ module, size: 3 });
      const random = numbers(seed);
      const next = () => random.next().value;
      const checks: Promise<void>[] = [];
      for (let i = 0; i < 1_200; i++) {
        const kind = KINDS[Math.floor(next() * KINDS.length)];
        if (kind === "crash" && next() < 0.7) continue;
        const controller = new AbortController();
        const { signal } = controller;
        const check = submit(pool, kind, i, signal).catch((error) => {
          if (signal.aborted && error === signal.reason) return;
          // A worker that dies takes along what runs on it or has moved there.
          if (!(error instanceof WorkerCrashedError)) throw error;
          assert(kind === "crash" || !error.started, `${kind} ${i}: ${error}`);
        });
        checks.push(check);
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
    },
  );
}

poolTest(
  "a storm that is terminated in the middle settles every job",
  async () => {
    for (const ms of [1, 10, 30, 60]) {
      const pool = new ThreadPool<typeof jobs>({ module, size: 2 });
      const random = numbers(ms);
      const results: Promise<unknown>[] = [];
      const timer = setTimeout(() => pool.terminate("enough"), ms);
      for (let i = 0; i < 300; i++) {
        const kind = KINDS[Math.floor(random.next().value * 10)];
        const { signal } = new AbortController();
        const result = pool.execute("work", [kind, i], { signal });
        results.push(
          result.then((value) => checkWork(kind, i, value), (error) => {
            if (error instanceof PoolTerminatedError) return;
            if (error instanceof WorkerCrashedError && kind === "crash") return;
            checkWork(kind, i, error);
          }),
        );
        if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve));
      }
      await Promise.all(results);
      await pool.terminate();
      clearTimeout(timer);
    }
  },
);
