// 4 000 jobs of 20 µs of which every 400th takes 20 ms, at once on two workers: the
// time until all are done, over the sum of the jobs divided by two. The median of
// five such mixes in one process, after one to warm up.
import { median } from "../stats.js";
import { timeAll } from "../submit.js";

const JOBS = 4_000;

/** @param {number} i */
function duration(i) {
  return (i + 1) % 400 === 0 ? 20 : 0.02;
}

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "skew: 4 000 jobs of 20 µs, every 400th of 20 ms",
  rounds: 3,
  limit: 20,
  raw: false,
  metrics: { "makespan over ideal": { better: "less" } },
  async measure({ open, count, report }) {
    const pool = open(2);
    let ideal = 0;
    for (let i = 0; i < JOBS; i++) ideal += duration(i) / 2;
    const runs = [];
    for (let run = 0; run <= count(5); run++) {
      runs.push(await timeAll(pool, "spin", JOBS, duration) / ideal);
    }
    report("makespan over ideal", median(runs.slice(1)));
  },
};
