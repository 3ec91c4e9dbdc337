// A load for the demo that changes over time: a steady flow, bursts, long jobs, and now
// and then one that fails, hangs, is aborted, or takes its worker with it.
import type { ThreadPool } from "@spindle/thread-pool";
import { setInterval } from "node:timers/promises";
import type * as jobs from "../dashboard_jobs.ts";

/** The load changes so often, in ms. */
const STEP = 50;

/** Gives jobs to the pool until the signal fires. */
export async function load(
  pool: ThreadPool<typeof jobs>,
  signal: AbortSignal,
): Promise<void> {
  // What fails here fails for the picture.
  const give = (job: Promise<unknown>) => void job.catch(() => {});
  /** Whether it is time for what comes every so many seconds. */
  const isTime = (step: number, seconds: number) =>
    step % (seconds * 1_000 / STEP) === 0;
  let step = 0;
  for await (const _ of setInterval(STEP)) {
    if (signal.aborted) return;
    step++;
    if (pool.stats().queued > 500) continue; // a slow machine catches up
    // The flow rises and falls within 20 s.
    const flow = 20 + 15 * Math.sin(2 * Math.PI * step * STEP / 20_000);
    for (let i = 0; i < flow; i++) give(pool.execute("lookup", [i]));
    if (isTime(step, 0.1)) give(pool.execute("resize"));
    if (isTime(step, 0.6)) give(pool.execute("fetchPage"));
    if (isTime(step, 3)) give(pool.execute("report"));
    if (isTime(step, 8)) {
      for (let i = 0; i < 60; i++) give(pool.execute("resize"));
    }
    if (isTime(step, 9)) give(pool.execute("parse", ["{"]));
    if (isTime(step, 13)) {
      give(pool.execute("report", [], { signal: AbortSignal.timeout(2_000) }));
    }
    if (isTime(step, 25)) give(pool.execute("hang", [], { timeout: 1_500 }));
    if (isTime(step, 40)) give(pool.execute("crash"));
  }
}
