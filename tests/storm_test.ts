// Jobs with moved values, aborts and crashes: each promise settles with its own
// result or error. `chaos_test.ts` does the same with everything that jobs can do.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool, transfer, WorkerCrashedError } from "@spindle/thread-pool";
import { eventually, poolTest } from "./live_workers.ts";
import { randomOf } from "./random.ts";
import { ask, tcpPair } from "./sockets.ts";
import { bytesIn } from "./streams.ts";

type Run = (pool: ThreadPool, i: number, signal: AbortSignal) => Promise<void>;

/** Jobs, each with a check of its outcome. */
const JOBS: Record<string, Run> = {
  quick: async (pool, i, signal) => {
    const result = pool.execute((i: number) => i * 2, [i], { signal });
    assertEquals(await result, i * 2);
  },
  buffer: async (pool, i, signal) => {
    const bytes = transfer(new Uint32Array([i, i + 1]));
    const double = (bytes: Uint32Array) => transfer(bytes.map((n) => n * 2));
    const result = pool.execute(double, [bytes], { signal });
    assertEquals(await result, new Uint32Array([i * 2, i * 2 + 2]));
  },
  stream: async (pool, i, signal) => {
    const stream = new Blob([`job ${i}`]).stream();
    const pass = (stream: ReadableStream) => stream;
    const passed = await pool.execute(pass, [stream], { signal });
    const text = new TextDecoder().decode(await bytesIn(passed));
    assertEquals(text, `job ${i}`);
  },
  connection: async (pool, i, signal) => {
    const { client, server } = await tcpPair();
    using _ = client;
    if (signal.aborted) server.close(); // a refused connection would stay the test's
    const echo = (conn: Deno.Conn) => conn.readable.pipeTo(conn.writable);
    const result = pool.execute(echo, [server], { signal });
    const answer = ask(client, `job ${i}`).catch((error) => error);
    await result;
    assertEquals(await answer, `job ${i}`);
  },
  crash: async (pool, _, signal) => {
    const die = () => {
      self.close();
      return new Promise<never>(() => {});
    };
    await pool.execute(die, [], { signal });
  },
};

const OFTEN = [...Array(5).fill("quick"), "buffer", "stream", "connection"];

for (const seed of [1, 2]) {
  poolTest(`execute() settles each job of a storm (seed ${seed})`, async () => {
    await using pool = new ThreadPool(3);
    const next = randomOf(seed);
    const checks: Promise<void>[] = [];
    for (let i = 0; i < 700; i++) {
      const kind = next() < 0.02
        ? "crash"
        : OFTEN[Math.floor(next() * OFTEN.length)];
      const controller = new AbortController();
      const { signal } = controller;
      checks.push(
        JOBS[kind](pool, i, signal).catch((error) => {
          if (signal.aborted && error === signal.reason) return;
          // A crash rejects all jobs that run on the worker or have moved there.
          if (!(error instanceof WorkerCrashedError)) throw error;
        }),
      );
      const fate = next();
      if (fate < 0.1) controller.abort(`abort ${i}`);
      else if (fate < 0.3) {
        setTimeout(() => controller.abort(`abort ${i}`), next() * 40);
      }
      if (next() < 0.05) await new Promise((r) => setTimeout(r, next() * 4));
    }
    await Promise.all(checks);
    assert(pool.stats().crashed > 0);
    await pool.drain();
    // Aborted jobs may not have ended yet.
    await eventually(() => {
      const { queued, running } = pool.stats();
      return queued + running === 0;
    }, () => `Expected nothing to be left: ${Deno.inspect(pool.stats())}`);
  });
}
