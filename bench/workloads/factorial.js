// poolifier's published workload: 100 000 jobs that each compute factorial(1000) as
// a BigInt, all at once, on as many workers as there are cores.
import { availableParallelism } from "node:os";
import { timeAll } from "../submit.js";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "factorial: factorial(1000), 100 000 at once, a worker per core",
  rounds: 1,
  limit: 60,
  raw: false,
  metrics: { "jobs/s": { better: "more" } },
  async measure({ open, count, report }) {
    const pool = open(availableParallelism());
    const jobs = count(100_000);
    await timeAll(pool, "factorial", Math.ceil(jobs / 100), () => 1000);
    const ms = await timeAll(pool, "factorial", jobs, () => 1000);
    report("jobs/s", jobs / ms * 1000);
  },
};
