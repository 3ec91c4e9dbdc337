// Waiting jobs get a new worker when the last worker is used up.
import { poolTest } from "./live_workers.ts";
import { ThreadPool } from "@spindle/thread-pool";

poolTest(
  "an abort leaves no job behind with maxJobsPerWorker: 1",
  async () => {
    for (let round = 0; round < 8; round++) {
      await using pool = new ThreadPool({ size: 2, maxJobsPerWorker: 1 });
      const stop = new AbortController();
      const jobs = Array.from({ length: 6 }, (_, i) => {
        const job = pool.execute(
          (ms: number) => {
            for (const end = performance.now() + ms; performance.now() < end;);
            return new Map();
          },
          [i % 3],
          { signal: i === round % 6 ? stop.signal : undefined },
        );
        return job.catch(() => {});
      });
      setTimeout(() => stop.abort(), round);
      await Promise.all(jobs);
    }
  },
);
