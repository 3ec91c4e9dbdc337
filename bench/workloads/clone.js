// A plain object of 10 KiB (as JSON) cloned into a job and back, one at a time on
// one worker as in sequence. The raw row echoes it.
import { latency, oneAtATime } from "../submit.js";

const rows = Array.from({ length: 128 }, (_, id) => ({
  id,
  name: `row ${id} of the table`,
  price: id * 1.25,
  tags: ["red", "green"],
}));

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "clone: an object of 10 KiB there and back, one at a time, one worker",
  rounds: 7,
  peerRounds: 3,
  limit: 20,
  metrics: latency,
  async measure({ open, count, report }) {
    const pool = open(1);
    const object = { title: "table", rows };
    await oneAtATime(report, count(3_000), () => pool.run("noop", object));
  },
};
