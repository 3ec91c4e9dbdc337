// A consumer of a BullMQ queue that runs its jobs in a pool, so that this thread is
// always free to renew their locks. Start as many as you like, on any machines.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. --allow-env examples/cluster/consumer.ts
//
// It needs a Redis; `redis-server` starts one. SIGTERM or Ctrl-C takes no more jobs,
// waits `--grace` ms, and gives back what still runs; a second one does not wait.
import { pathToFileURL } from "node:url";
import { Worker } from "bullmq";
import { ThreadPool } from "@spindle/thread-pool";
import { Locks } from "./locks.ts";
import { type Jobs, processJob } from "./process.ts";
import {
  CANCELLED,
  cancelledOf,
  connect,
  onCancel,
  QUEUE,
  report,
} from "./queue.ts";
import * as settings from "./settings.ts";

/** So many ms Redis has to take back what is given back. */
const LAST_WORDS = 5_000;

const { size, lockDuration, stalledInterval } = settings;
const pool = new ThreadPool<Jobs>({
  module: pathToFileURL(settings.module),
  size,
  abortGrace: settings.abortGrace,
});
await pool.start(); // a module that does not load never takes a job

const redis = connect(settings.redis);
const giveBack = new AbortController();
const context = { pool, redis, giveBack };
const worker: Worker = new Worker(QUEUE, async (job, token, signal) => {
  console.log(`${job.id} ${job.name}: started`);
  using lock = locks.watch(job.id!);
  const stop = AbortSignal.any([signal!, lock.signal, giveBack.signal]);
  return await processJob(job, token, stop, context);
}, {
  connection: redis,
  concurrency: size, // a job that waited in the pool would be locked for nothing
  lockDuration,
  stalledInterval,
  maxStalledCount: 5, // with 1, a job fails that two machines have died with
  autorun: false,
});
const locks = new Locks(worker, lockDuration);
worker.on("completed", (job) => console.log(`${job.id} ${job.name}: done`));
worker.on("failed", (job, { message }) => {
  console.log(`${job?.id} ${job?.name}: failed: ${message}`);
});
worker.on("error", report);

await onCancel(redis, (id) => worker.cancelJob(id, CANCELLED));
// What was cancelled while that connection was down is found by asking.
worker.on("locksRenewed", async ({ jobIds }) => {
  const cancelled = await cancelledOf(redis, jobIds);
  for (const id of cancelled) worker.cancelJob(id, CANCELLED);
});

const told = Promise.withResolvers<void>();
let isStopping = false;
function stop(): void {
  if (isStopping) giveBack.abort("given back");
  isStopping = true;
  told.resolve();
}
Deno.addSignalListener("SIGINT", stop);
Deno.addSignalListener("SIGTERM", stop);
giveBack.signal.addEventListener("abort", () => told.resolve());

worker.run().catch(report);
console.log(`Process ${Deno.pid} takes jobs, ${size} at once.`);
await told.promise;
console.log("Shutting down.");
setTimeout(() => giveBack.abort("given back"), settings.grace);
setTimeout(() => Deno.exit(1), settings.grace + LAST_WORDS);
await worker.close();
await pool.close(); // lets the module's onStop() run
Deno.exit(); // whatever a job has left behind
