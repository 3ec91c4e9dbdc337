// A soak: very many jobs and many workers that are replaced, and what memory that
// takes. Deno itself leaks a little with each worker, so as many bare workers are
// started and ended beside it, in a process of their own.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { WorkerCrashedError } from "@spindle/thread-pool";
import { makePool, numbersTo, reasonOf } from "./kinds.ts";

const MIB = 2 ** 20;
const ENTRY = new URL("../src/worker/main.ts", import.meta.url);
/** How many times the memory is looked at. */
const SAMPLES = 100;
/** So many jobs are on their way at once. */
const BATCH = 500;

/** MiB of memory, of which as little as possible is garbage. */
function weigh(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().rss / MIB;
}

/** Tells the memory in the second tenth, and in the last one. */
function tell(what: string, samples: number[], workers: number): void {
  const tenth = samples.length / 10;
  const mean = (from: number) => {
    const part = samples.slice(from * tenth, (from + 1) * tenth);
    return part.reduce((sum, sample) => sum + sample, 0) / part.length;
  };
  const [early, late] = [mean(1), mean(9)];
  // Eight tenths lie between the middles of those two.
  const perWorker = (late - early) * 1024 / (workers * 0.8);
  const memory = { early, late, perWorker };
  console.log(
    `${what}: ${workers} workers replaced; MiB, and KiB a worker:`,
    memory,
  );
}

/** Half of the workers crash; the others have had their share of jobs. */
export async function soakPool(jobCount: number, workerCount: number) {
  const crashes = Math.round(workerCount / 2);
  const maxJobsPerWorker = Math.floor(jobCount / workerCount);
  const pool = makePool({ size: 2, maxJobsPerWorker });
  let stopped = 0;
  pool.addEventListener("workerstop", () => stopped++);
  const samples: number[] = [];
  let crashed = 0;
  for (let done = 0; done < jobCount; done += BATCH) {
    if (crashed < crashes * done / jobCount) {
      crashed++;
      assertInstanceOf(
        await reasonOf(pool.execute("closeSelf")),
        WorkerCrashedError,
      );
    }
    const numbers = numbersTo(BATCH).map((i) => done + i);
    const results = numbers.map((i) => pool.execute("echo", [i]));
    assertEquals(await Promise.all(results), numbers);
    if (samples.length < SAMPLES * (done + BATCH) / jobCount) {
      samples.push(weigh());
    }
  }
  const { completed, crashed: died, lost } = pool.stats();
  await pool.close();
  console.log({ completed, crashed: died, lost });
  tell("the pool", samples, stopped);
}

/** Starts a worker, hears from it, and ends it, again and again. */
export async function soakBare(workerCount: number) {
  const samples: number[] = [];
  for (let i = 0; i < workerCount; i++) {
    // It loads what a worker of a pool loads.
    const worker = new Worker(ENTRY, { type: "module" });
    // It answers what it does not know.
    worker.postMessage([]);
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
    if (samples.length < SAMPLES * (i + 1) / workerCount) {
      samples.push(weigh());
    }
  }
  tell("bare workers", samples, workerCount);
}
