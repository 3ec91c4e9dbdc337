// A buffer of 1 MiB moved into a job and back, the same one over and over, one at a
// time on one worker as in sequence. The raw row transfers it to a worker and back.
// poolifier can only copy it back.
import { strictEqual } from "node:assert/strict";
import { latency, oneAtATime } from "../submit.js";

/** @type {import("../types.d.ts").Workload} */
export default {
  title: "move: 1 MiB moved there and back, one at a time, one worker",
  rounds: 7,
  peerRounds: 3,
  limit: 10,
  metrics: latency,
  async measure({ open, count, report }) {
    const pool = open(1);
    let buffer = new ArrayBuffer(1024 * 1024);
    await oneAtATime(report, count(5_000), async () => {
      const sent = buffer;
      buffer = await pool.move(sent);
      strictEqual(sent.byteLength, 0, "the buffer was copied, not moved");
    });
    strictEqual(buffer.byteLength, 1024 * 1024);
  },
};
