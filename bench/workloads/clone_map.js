// A map of eight entries cloned into a job and back, as in clone: a value that is not
// plain and has to be structured-cloned.
import { latency, oneAtATime } from "../submit.js";

const map = new Map(Array.from({ length: 8 }, (_, i) => [`key ${i}`, i]));

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "clone-map: a map of 8 there and back, one at a time, one worker",
  rounds: 11,
  peerRounds: 3,
  limit: 10,
  metrics: latency,
  async measure({ open, count, report }) {
    const pool = open(1);
    await oneAtATime(report, count(10_000), () => pool.run("noop", map));
  },
};
