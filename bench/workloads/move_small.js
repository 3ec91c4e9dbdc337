// A buffer of 4 KiB moved into a job and back, as in move: what moving costs beside
// the wake-ups, where there is next to nothing to move.
import { strictEqual } from "node:assert/strict";
import { latency, oneAtATime } from "../submit.js";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "move-small: 4 KiB moved there and back, one at a time, one worker",
  rounds: 11,
  peerRounds: 3,
  limit: 10,
  metrics: latency,
  async measure({ open, count, report }) {
    const pool = open(1);
    let buffer = new ArrayBuffer(4096);
    await oneAtATime(report, count(10_000), async () => {
      buffer = await pool.move(buffer);
    });
    strictEqual(buffer.byteLength, 4096);
  },
};
