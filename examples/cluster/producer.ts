// Adds jobs to the queue, shows how far they are, and tells what came of each.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. --allow-env examples/cluster/producer.ts
//
// Each of `--jobs` jobs counts the primes up to `--to`. Ctrl-C cancels those that have
// not ended.
import { parseArgs } from "node:util";
import type * as jobs from "./jobs.ts";
import { cancel, connect, openEvents, openQueue } from "./queue.ts";
import { REDIS, report } from "./queue.ts";

const { values } = parseArgs({
  options: {
    redis: { type: "string", default: REDIS },
    jobs: { type: "string", default: "8" },
    to: { type: "string", default: "50000000" },
  },
});
const redis = connect(values.redis);
const queue = openQueue(redis);
const events = await openEvents(redis);

// Ids of our own, so that an `add` that is tried again adds nothing twice.
const ids = Array.from(
  { length: Number(values.jobs) },
  () => crypto.randomUUID(),
);
const pending = new Set<string>(ids);
const ended = Promise.withResolvers<void>();

function tell(id: string, text: string, isEnd = true): void {
  if (!pending.has(id)) return; // somebody else's
  console.log(`${id} ${text}`);
  if (isEnd) pending.delete(id);
  if (pending.size === 0) ended.resolve();
}
events.on("active", ({ jobId }) => tell(jobId, "started", false));
events.on("progress", ({ jobId, data }) => {
  tell(jobId, `${Math.floor(100 * Number(data))} %`, false);
});
events.on("completed", ({ jobId, returnvalue }) => tell(jobId, returnvalue));
events.on("failed", ({ jobId, failedReason }) => tell(jobId, failedReason));
events.on("removed", ({ jobId }) => tell(jobId, "removed"));

const name: keyof typeof jobs = "countPrimes";
await queue.addBulk(ids.map((jobId) => ({
  name,
  data: { to: Number(values.to) },
  opts: {
    jobId,
    attempts: 5,
    backoff: { type: "exponential", delay: 1_000, jitter: 0.5 },
    removeOnComplete: { age: 60 * 60 }, // in s; without it Redis keeps them
    removeOnFail: { age: 24 * 60 * 60 },
  },
})));
function cancelAll(): void {
  for (const id of pending) cancel(queue, redis, id).catch(report);
}
Deno.addSignalListener("SIGINT", cancelAll);
await ended.promise;

const all = await Promise.all(ids.map((id) => queue.getJob(id)));
const again = all.filter((job) => job && job.attemptsStarted > 1).length;
console.log(`${ids.length} jobs ended; ${again} started more than once.`);
Deno.removeSignalListener("SIGINT", cancelAll);
await events.close();
await queue.close();
await redis.quit();
