// 100 000 jobs that do nothing with one number, submitted at once to two workers.
// Timed from the first submission to the last result, after a fifth as many to warm
// up. The raw row is one worker that echoes messages of 128 objects `{ id, v }`.
import { burst, bursts } from "../submit.js";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "burst: jobs of one number, 100 000 at once",
  rounds: 5,
  peerRounds: 3,
  limit: 30,
  metrics: burst,
  async measure({ open, count, report }) {
    const pool = open(2);
    await bursts(report, pool, "noop", count(100_000), (i) => i);
  },
};
