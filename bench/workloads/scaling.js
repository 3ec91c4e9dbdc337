// Jobs of 1 ms of CPU, 200 at once, on a pool of one worker and on one of two: the
// best of nine runs on each, alternating, divided; 100 jobs before to warm up.
import { timeAll } from "../submit.js";
import { burn } from "../jobs.js";

/** The steps of `burn` that take 1 ms here, by the fastest of many tries. */
function stepsPerMillisecond() {
  const steps = 100_000;
  let fastest = Infinity;
  for (let i = 0; i < 200; i++) {
    const begun = performance.now();
    burn(steps);
    fastest = Math.min(fastest, performance.now() - begun);
  }
  return Math.round(steps / fastest);
}

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "scaling: jobs of 1 ms of CPU, two workers over one",
  rounds: 1,
  limit: 30,
  raw: false,
  metrics: { "times as fast": { better: "more" } },
  async measure({ open, count, report }) {
    const steps = stepsPerMillisecond();
    const pools = [open(1), open(2)];
    for (const pool of pools) await timeAll(pool, "burn", 100, () => steps);
    const best = [Infinity, Infinity];
    for (let run = 0; run < count(9); run++) {
      for (const [i, pool] of pools.entries()) {
        best[i] = Math.min(
          best[i],
          await timeAll(pool, "burn", 200, () => steps),
        );
      }
    }
    report("times as fast", best[0] / best[1]);
  },
};
