// A soak: very many jobs and many workers that are replaced, and what memory that
// takes. Deno itself leaks a little with each worker, so as many bare workers are
// started and ended beside it, in a process of their own:
// deno run -A --v8-flags=--expose-gc tests/soak_run.ts --jobs 1000000 --workers 2000
import { assertEquals } from "@std/assert";
import { parseArgs } from "node:util";
import { WorkerCrashedError } from "@spindle/thread-pool";
import { makePool, numbersTo } from "./kinds.ts";

const MIB = 2 ** 20;
const ENTRY = new URL("../src/worker/main.ts", import.meta.url);
/** How many times the memory is looked at. */
const SAMPLES = 100;
/** So many jobs are on their way at once. */
const BATCH = 500;
const SIZE = 2;
/** Half of the workers crash; the others have had their share of jobs. */
const CRASHING_PART = 1 / 2;

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    workers: { type: "string", default: "2000" },
    /** Only bare workers, as this does beside itself. */
    bare: { type: "boolean", default: false },
  },
});
const jobCount = Number(values.jobs);
const workerCount = Number(values.workers);

/** MiB of memory, of which as little as possible is garbage. */
function weigh(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().rss / MIB;
}

/** The memory in the second tenth, and in the last one. */
function tell(what: string, samples: number[], workers: number): void {
  const tenth = samples.length / 10;
  const mean = (from: number) => {
    const part = samples.slice(from * tenth, (from + 1) * tenth);
    return part.reduce((sum, sample) => sum + sample, 0) / part.length;
  };
  const [early, late] = [mean(1), mean(9)];
  // Eight tenths lie between the middles of those two.
  const perWorker = (late - early) * 1024 / (workers * 0.8);
  console.log(
    `${what}: ${workers} workers replaced, ${
      early.toFixed(0)
    } MiB in the second tenth, ${late.toFixed(0)} in the last: ${
      (late / early).toFixed(2)
    } times as much, ${perWorker.toFixed(0)} KiB a worker`,
  );
}

async function soakPool(): Promise<void> {
  const crashes = Math.round(workerCount * CRASHING_PART);
  const shares = workerCount - crashes;
  const pool = makePool({
    size: SIZE,
    maxJobsPerWorker: Math.floor(jobCount / Math.max(1, workerCount)),
  });
  let stopped = 0;
  pool.addEventListener("workerstop", () => stopped++);
  const samples: number[] = [];
  const start = performance.now();
  let crashed = 0;
  for (let done = 0; done < jobCount; done += BATCH) {
    if (crashed < crashes * done / jobCount) {
      crashed++;
      const error = await pool.execute("closeSelf").catch((error) => error);
      if (!(error instanceof WorkerCrashedError)) throw error;
    }
    const results = numbersTo(BATCH).map((i) => pool.execute("echo", [i]));
    assertEquals(await Promise.all(results), numbersTo(BATCH));
    if (samples.length < SAMPLES * (done + BATCH) / jobCount) {
      samples.push(weigh());
    }
  }
  const stats = pool.stats();
  await pool.close();
  const seconds = ((performance.now() - start) / 1_000).toFixed(0);
  console.log(
    `${stats.completed} jobs in ${seconds} s; ${stats.crashed} workers crashed, ${stats.lost} were lost, of ${shares} or more that had their share`,
  );
  tell("the pool", samples, stopped);
}

/** Starts a worker, hears from it, and ends it, again and again. */
async function soakBare(): Promise<void> {
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

if (values.bare) await soakBare();
else {
  await soakPool();
  const args = ["run", "-A", "--v8-flags=--expose-gc", import.meta.filename!];
  const bare = ["--bare", "--workers", values.workers];
  await new Deno.Command(Deno.execPath(), {
    args: [...args, ...bare],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
}
