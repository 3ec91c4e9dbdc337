// A pool of two workers from its construction to the result of its first job, cold,
// and the longest that the caller's event loop stood still meanwhile, until 100 ms
// later. The raw row is one worker from `new Worker` to the first echo.
import { cost, costOf } from "../cost.js";
import { setTimeout as delay } from "node:timers/promises";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "start: from construction to the first result, two workers",
  rounds: 9,
  limit: 10,
  metrics: {
    "first result, ms": { better: "less" },
    "caller blocked, ms": { better: "less" },
    ...cost,
  },
  async measure({ open, report }) {
    let blocked = 0;
    let seen = performance.now();
    const watch = setInterval(() => {
      const now = performance.now();
      blocked = Math.max(blocked, now - seen);
      seen = now;
    }, 1);
    await delay(50);

    blocked = 0;
    const begun = performance.now();
    await costOf(report, 1, async () => await open(2).run("noop", 1));
    report("first result, ms", performance.now() - begun);

    await delay(100);
    clearInterval(watch);
    report("caller blocked, ms", blocked);
  },
};
