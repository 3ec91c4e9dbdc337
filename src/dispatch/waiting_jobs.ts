// Whether a pool waits for itself: all its workers are taken by jobs that wait for
// jobs of the same pool.

import type { Link } from "../flow/link.ts";
import type { DispatcherSettings } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

/**
 * Whether no worker can take a job before one of those that wait goes on.
 *
 * @param active The workers that may get jobs
 * @param waiting The link of each job that waits
 */
export function allWait(
  active: Iterable<PoolWorker>,
  waiting: readonly Link[],
  { size, concurrency }: DispatcherSettings,
): boolean {
  let count = 0;
  for (const { link, jobs } of active) {
    const { running } = jobs.count();
    const waits = waiting.filter((other) => other === link).length;
    if (running < concurrency || waits < running) return false;
    count++;
  }
  return count >= size;
}
