// What a job costs Redis when it is added, reports progress once, and is done: memory,
// processor time and calls of scripts.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. --allow-env examples/cluster/costs.ts
//
// It needs a Redis of its own, see `--redis`: it EMPTIES it.
import { parseArgs } from "node:util";
import { type Job, Worker } from "bullmq";
import { connect, openQueue, QUEUE, REDIS } from "./queue.ts";

const { values } = parseArgs({
  options: {
    redis: { type: "string", default: REDIS },
    jobs: { type: "string", default: "100000" },
    payload: { type: "string", default: "200" }, // bytes
  },
});
const BATCH = 1_000;
const count = Number(values.jobs);
const connection = connect(values.redis);
await connection.flushall();
const queue = openQueue(connection);

/** A number that Redis tells of itself. */
async function info(section: string, field: string): Promise<number> {
  const text = await connection.info(section);
  return Number(new RegExp(`^${field}([\\d.]+)`, "m").exec(text)?.[1] ?? 0);
}

async function numbers() {
  return {
    "bytes": await info("memory", "used_memory:"),
    "µs of Redis": 1e6 * await info("cpu", "used_cpu_user_main_thread:") +
      1e6 * await info("cpu", "used_cpu_sys_main_thread:"),
    "scripts": await info("commandstats", "cmdstat_evalsha:calls="),
  };
}

/** What a job costs in an act that all jobs take part in. */
async function cost(act: () => Promise<unknown>) {
  const before = await numbers();
  await act();
  const after = await numbers();
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => {
      const each = (value - before[name as keyof typeof before]) / count;
      return [name, Number(each.toFixed(1))];
    }),
  );
}

const data = { payload: "x".repeat(Number(values.payload)) };
const opts = { attempts: 5, backoff: { type: "exponential", delay: 1_000 } };
const batch = Array.from(
  { length: BATCH },
  () => ({ name: "job", data, opts }),
);

let jobs: Job[] = [];
const added = await cost(async () => {
  for (let i = 0; i < count; i += BATCH) jobs = await queue.addBulk(batch);
});
const progress = await cost(async () => {
  for (let i = 0; i < count; i += BATCH) {
    await Promise.all(jobs.map((job) => job.updateProgress(0.5)));
  }
});
const done = await cost(async () => {
  const worker = new Worker(QUEUE, () => Promise.resolve(null), {
    connection,
    concurrency: 50,
  });
  await new Promise<void>((resolve) => worker.on("drained", resolve));
  await worker.close();
});
const events = await connection.memory("USAGE", `bull:${QUEUE}:events`);
console.table({ added, progress, done });
console.log(`The stream of events takes ${events} bytes.`);
await connection.flushall();
await queue.close();
await connection.quit();
