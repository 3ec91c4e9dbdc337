// Why jobs run in a pool: two consumers run jobs that compute for longer than their
// locks last, in BullMQ's processor, in its sandbox of processes, and in a pool.
//
//   deno run --allow-all examples/cluster/compare.ts
//
// It needs a Redis, see `--redis`, and prints a table.
import { parseArgs } from "node:util";
import { Queue, QueueEvents } from "bullmq";
import { connect, REDIS } from "./queue.ts";

const { values } = parseArgs({
  options: {
    redis: { type: "string", default: REDIS },
    jobs: { type: "string", default: "8" },
    ms: { type: "string", default: "6000" },
    lock: { type: "string", default: "2000" },
    size: { type: "string", default: "1" },
    way: { type: "string", multiple: true },
  },
});
const count = Number(values.jobs);
const consumer = new URL("./compare_consumer.ts", import.meta.url).pathname;

/** Starts a consumer, and waits until it takes jobs. */
async function startConsumer(way: string) {
  const { redis, lock, size } = values;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", consumer, way, redis, lock, size],
    stdout: "piped",
  }).spawn();
  const output = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  await output.read();
  /** Ends it; resolves to the ms for which its thread was held up at most. */
  const end = async (): Promise<number> => {
    process.kill("SIGTERM");
    const { value } = await output.read();
    await process.status;
    return Number(value);
  };
  return { end };
}

async function measure(way: string) {
  const connection = connect(values.redis);
  const queue = new Queue(way, { connection });
  const events = new QueueEvents(way, { connection, lastEventId: "0" });
  const ended = new Set<string>();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const end = ({ jobId }: { jobId: string }) => {
    if (ended.add(jobId).size === count) resolve();
  };
  events.on("completed", end).on("failed", end);

  const consumers = await Promise.all([way, way].map(startConsumer));
  const start = performance.now();
  const data = { ms: Number(values.ms) };
  const jobs = await queue.addBulk(
    Array.from({ length: count }, () => ({ name: "compute", data })),
  );
  await done;
  const seconds = (performance.now() - start) / 1000;

  const delays = await Promise.all(consumers.map((consumer) => consumer.end()));
  const all = await Promise.all(jobs.map(({ id }) => queue.getJob(id!)));
  const completed = await queue.getCompletedCount();
  await queue.obliterate({ force: true });
  await events.close();
  await queue.close();
  await connection.quit();
  return {
    way,
    jobs: count,
    starts: all.reduce((sum, job) => sum + job!.attemptsStarted, 0),
    completed,
    "jobs/s": Number((completed / seconds).toFixed(2)),
    "held up, ms": Math.max(...delays),
  };
}

const rows = [];
for (const way of values.way ?? ["processor", "sandbox", "pool"]) {
  rows.push(await measure(way));
}
console.table(rows);
