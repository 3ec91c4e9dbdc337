// The cost of a job by the length of the queue: that many jobs at once on two
// workers, over their number; the median of several where the queue is short. And
// the heap that a waiting job retains: 100 000 of them behind jobs that hold both
// workers, after a collection (the process runs with --expose-gc).
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";
import { median } from "../stats.js";
import { all, timeAll } from "../submit.js";

const LENGTHS = [[10, 1_000], [1_000, 30], [100_000, 1], [1_000_000, 1]];
const collect = /** @type {() => void} */ (Reflect.get(globalThis, "gc"));

/** @param {number} length */
function metric(length) {
  return `µs each, ${length.toLocaleString("en")} queued`;
}

/** @param {import("../types.d.ts").Pool} pool @param {number} jobs */
async function retained(pool, jobs) {
  const gate = new SharedArrayBuffer(4);
  const held = [pool.run("hold", gate), pool.run("hold", gate)];
  await delay(100);
  collect();
  const before = process.memoryUsage().heapUsed;
  let last;
  for (let i = 0; i < jobs; i++) last = pool.run("noop", i);
  await delay(100);
  collect();
  const after = process.memoryUsage().heapUsed;
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  await Promise.all([...held, last]);
  return (after - before) / jobs;
}

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "queue: cost of a job by the number queued; heap of a queued job",
  rounds: 3,
  peerRounds: 1,
  limit: 20,
  raw: false,
  metrics: {
    ...Object.fromEntries(
      LENGTHS.map(([length]) => [metric(length), { better: "less" }]),
    ),
    "bytes a queued job": { better: "less" },
  },
  async measure({ open, count, report }) {
    const pool = open(2);
    await all(pool, "noop", 10_000, (i) => i);
    report("bytes a queued job", await retained(pool, count(100_000)));
    for (const [length, times] of LENGTHS) {
      const jobs = count(length);
      const runs = [];
      for (let i = 0; i < count(times); i++) {
        runs.push(await timeAll(pool, "noop", jobs, (i) => i) * 1000 / jobs);
      }
      report(metric(length), median(runs));
    }
  },
};
