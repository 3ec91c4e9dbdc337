// 100 000 jobs with an argument and a result of five fields, each job its own
// object, submitted at once to two workers and timed as in burst. The raw row
// echoes messages of 128 objects `{ id, v }`, `v` being the five fields.
import { burst, bursts } from "../submit.js";

/** @param {number} i */
function five(i) {
  return { a: i, b: i * 2, c: "name " + i % 100, d: i % 2 === 0, e: i / 3 };
}

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "burst-object: jobs of five fields, 100 000 at once",
  rounds: 5,
  peerRounds: 3,
  limit: 30,
  metrics: burst,
  async measure({ open, count, report }) {
    const pool = open(2);
    await bursts(report, pool, "fields", count(100_000), five);
  },
};
