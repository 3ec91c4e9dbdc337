// `await` of one job after another, 10 000 times. One worker, since with more of
// them the kernel's placement of the threads decides more than the code; for the
// same reason many short processes rather than one long. The raw row is one echo
// in flight.
import { latency, oneAtATime } from "../submit.js";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "sequence: one job at a time, one worker",
  rounds: 25,
  peerRounds: 7,
  limit: 20,
  metrics: latency,
  async measure({ open, count, report }) {
    const pool = open(1);
    await oneAtATime(report, count(10_000), () => pool.run("noop", 1));
  },
};
