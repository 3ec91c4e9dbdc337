// A consumer of examples/cluster/compare.ts. Told to end, it prints for how many ms its
// thread was held up at most.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Processor, Worker } from "bullmq";
import { ThreadPool } from "@spindle/thread-pool";
import * as jobs from "./compare_jobs.ts";
import { connect } from "./queue.ts";

const [way, redis, lock, size] = Deno.args;
const module = new URL("./compare_jobs.ts", import.meta.url);
const pool = new ThreadPool<typeof jobs>({ module, size: Number(size) });

/** Where the jobs run. */
const processors: Record<string, Processor | URL> = {
  // deno-lint-ignore require-await
  processor: async (job) => jobs.compute(job.data),
  pool: (job) => pool.execute("compute", [job.data]),
  sandbox: module,
};

const delay = monitorEventLoopDelay({ resolution: 10 });
const worker = new Worker(way, processors[way], {
  connection: connect(redis),
  concurrency: Number(size),
  lockDuration: Number(lock),
  stalledInterval: Number(lock) / 2,
});
worker.on("error", (error) => {
  if (!/lock/.test(error.message)) console.error(error); // they show in the table
});
await worker.waitUntilReady();
console.log("ready");
delay.enable();
Deno.addSignalListener("SIGTERM", async () => {
  console.log(Math.round(delay.max / 1e6));
  await worker.close(true);
  Deno.exit();
});
