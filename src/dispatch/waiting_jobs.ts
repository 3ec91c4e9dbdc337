// Whether a pool waits for itself: all its workers are taken by jobs that wait for
// jobs of the same pool.

import type { Link } from "../flow/link.ts";
import type { Sizing } from "./sizing.ts";
import type { PoolWorker } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** The jobs that wait for others, as the workers know them. */
export class WaitingJobs {
  readonly #workers: Workers;
  readonly #sizing: Sizing;

  constructor({ workers, sizing }: { workers: Workers; sizing: Sizing }) {
    this.#workers = workers;
    this.#sizing = sizing;
  }

  /** The worker of a link, if it is one of this pool's. */
  workerOf(link: Link): PoolWorker | undefined {
    return [...this.#workers.active].find((worker) => worker.link === link);
  }

  /**
   * Whether no worker can take a job before one of those that wait goes on.
   *
   * @param waiting The link of each job that waits
   */
  areAll(waiting: readonly Link[]): boolean {
    let count = 0;
    for (const { link, jobs, room, concurrency } of this.#workers.active) {
      const { running } = jobs.count();
      const waits = waiting.filter((other) => other === link).length;
      const mayTake = running < concurrency && room > 0;
      if (mayTake || waits < running) return false;
      count++;
    }
    return count >= this.#sizing.max;
  }
}
