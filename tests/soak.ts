// Soak test: measures memory over very many jobs and many replaced workers. Deno
// itself leaks a little with each worker, so a separate process starts and ends as
// many bare workers for comparison.
import { assertEquals, assertInstanceOf } from "@std/assert";
import { WorkerCrashedError } from "@spindle/thread-pool";
import { makePool, numbersTo, reasonOf } from "./kinds.ts";

const MIB = 2 ** 20;
const ENTRY = new URL("../src/worker/main.ts", import.meta.url);
/** Number of memory samples. */
const SAMPLES = 100;
/** Number of jobs in flight at once. */
const BATCH = 500;

/** Returns the memory in MiB, with as little garbage as possible. */
function weigh(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().rss / MIB;
}

/** Prints the mean memory of the second tenth and of the last tenth. */
function tell(what: string, samples: number[], workers: number): void {
  const tenth = samples.length / 10;
  const mean = (from: number) => {
    const part = samples.slice(from * tenth, (from + 1) * tenth);
    return part.reduce((sum, sample) => sum + sample, 0) / part.length;
  };
  const [early, late] = [mean(1), mean(9)];
  // Eight tenths lie between the middles of these two tenths.
  const perWorker = (late - early) * 1024 / (workers * 0.8);
  const memory = { early, late, perWorker };
  console.log(
    `${what}: ${workers} workers replaced; MiB, and KiB a worker:`,
    memory,
  );
}

/** Half of the workers crash; the others run their maximum number of jobs. */
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

/** Starts a worker, waits for its message and ends it, repeatedly. */
export async function soakBare(workerCount: number) {
  const samples: number[] = [];
  for (let i = 0; i < workerCount; i++) {
    // It loads the same code as a worker of a pool.
    const worker = new Worker(ENTRY, { type: "module" });
    // It answers an unknown message.
    worker.postMessage([]);
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
    if (samples.length < SAMPLES * (i + 1) / workerCount) {
      samples.push(weigh());
    }
  }
  tell("bare workers", samples, workerCount);
}
