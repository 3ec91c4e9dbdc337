// Whether a pool waits for itself: all its workers are taken by jobs that wait for
// jobs of the same pool.

import type { Link } from "../flow/link.ts";
import type { PoolWorker } from "./worker.ts";

/**
 * Whether no worker can take a job before one of those that wait goes on.
 *
 * @param active The workers that may get jobs
 * @param waiting The link of each job that waits
 * @param most How many workers there may be
 */
export function allWait(
  active: Iterable<PoolWorker>,
  waiting: readonly Link[],
  most: number,
): boolean {
  let count = 0;
  for (const { link, jobs, concurrency } of active) {
    const { running } = jobs.count();
    const waits = waiting.filter((other) => other === link).length;
    if (running < concurrency || waits < running) return false;
    count++;
  }
  return count >= most;
}
