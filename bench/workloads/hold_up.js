// 1 000 jobs of 10 µs with one of 200 ms among them, at once on two workers, for 20
// positions of the long one: how long after submission the short ones are settled.
// The figures are those of the worst position.
import { quantile } from "../stats.js";
import { all } from "../submit.js";

const SHORT = 0.01;
const LONG = 200;

/**
 * Positions in `0..length`, the same in every process.
 * @param {number} count @param {number} length
 */
function positions(count, length) {
  let seed = 20_260;
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(seed / 2 ** 32 * length);
  });
}

/** @type {import("../types.d.ts").Workload} */
export default {
  title:
    "hold-up: 1 000 jobs of 10 µs and one of 200 ms, worst of 20 positions",
  rounds: 3,
  peerRounds: 2,
  limit: 20,
  raw: false,
  metrics: {
    "slowest short job, ms": { better: "less" },
    "p99, ms": { better: "less" },
  },
  async measure({ open, count, report }) {
    const pool = open(2);
    await all(pool, "spin", 1_000, () => SHORT);
    let slowest = 0;
    let p99 = 0;
    for (const position of positions(count(20), 1_001)) {
      /** @type {number[]} */
      const waits = [];
      const jobs = [];
      const begun = performance.now();
      for (let i = 0; i < 1_001; i++) {
        const job = pool.run("spin", i === position ? LONG : SHORT);
        jobs.push(
          i === position
            ? job
            : job.then(() => waits.push(performance.now() - begun)),
        );
      }
      await Promise.all(jobs);
      slowest = Math.max(slowest, ...waits);
      p99 = Math.max(p99, quantile(waits, 0.99));
    }
    report("slowest short job, ms", slowest);
    report("p99, ms", p99);
  },
};
