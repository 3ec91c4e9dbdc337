// Decides which jobs go before others: keys and priorities of new jobs, jobs
// taken back for a job of a higher priority, and which job makes room first.

import type { Job } from "../job/job.ts";
import { Keys } from "../job/keys.ts";
import { isLesser } from "../job/queue.ts";
import type { AllShared } from "./parts.ts";
import { takeBackLower } from "./take_back.ts";
import type { PoolWorker } from "./worker.ts";

/** What `Precedence` needs in addition to the shared parts. */
export interface PrecedenceParts extends AllShared {
  /** Called when a job that waited for its key can start. */
  onFree(): void;
}

/** Minimum work in ms to take back for a job of a higher priority. */
const WORTH_TAKING_MS = 0.5;

/** Decides which jobs go before others. */
export class Precedence {
  readonly #parts: PrecedenceParts;
  readonly #keys: Keys;
  /** Lowest priority of all jobs so far. */
  #lowest = 0;
  /** Whether a new job may go before jobs that were sent ahead. */
  #hasHigher = false;

  constructor(parts: PrecedenceParts) {
    this.#parts = parts;
    this.#keys = new Keys(parts.queue, parts.onFree);
  }

  /** Records the priority and key of an accepted job. */
  enter(job: Job): void {
    const { queue } = this.#parts;
    if (job.extras !== undefined) {
      const { priority, key } = job.extras;
      if (priority !== undefined) queue.isOrdered = queue.isRanked = true;
      if (key !== undefined) {
        queue.isOrdered = true;
        this.#keys.enter(key, job);
      }
    }
    if (!queue.isRanked) return;
    this.#lowest = Math.min(this.#lowest, job.priority);
    this.#hasHigher ||= job.priority > this.#lowest;
  }

  /** Whether a job has to wait for earlier jobs of its key. */
  isBehind({ extras }: Job): boolean {
    return extras?.key !== undefined && this.#keys.isBusy(extras.key);
  }

  /**
   * If a job of a higher priority has joined the queue, takes back lower jobs
   * that were sent ahead, so that it is sent before them.
   *
   * @returns Whether any job was taken back
   */
  takeBackLower(): boolean {
    if (!this.#hasHigher) return false;
    this.#hasHigher = false;
    const { queue, workers } = this.#parts;
    let isAny = false;
    for (const worker of workers.active) {
      const first = queue.peek();
      if (first === undefined) break;
      if (!this.#isWorthTaking(worker)) continue;
      const lower = takeBackLower(worker, first.priority);
      if (lower.length === 0) continue;
      queue.putBack(lower, true);
      workers.update(worker);
      isAny = true;
    }
    return isAny;
  }

  /** A few small jobs finish sooner than they could be sent again. */
  #isWorthTaking(worker: PoolWorker): boolean {
    return !worker.isReady || worker.isHeldUp(WORTH_TAKING_MS) ||
      worker.waiting * this.#parts.pace.mean >= WORTH_TAKING_MS;
  }

  /** Returns the job that makes room first: the oldest known of the lowest priority. */
  oldest(): Job | undefined {
    const { queue, workers } = this.#parts;
    let { oldest } = queue;
    for (const worker of workers.active) {
      for (const job of this.#waiting(worker)) {
        if (!oldest || isLesser(job, oldest)) oldest = job;
      }
    }
    return oldest;
  }

  /** Returns jobs that can be taken back; without priorities, only the first. */
  #waiting({ jobs }: PoolWorker): Job[] {
    if (this.#parts.queue.isRanked) {
      return jobs.all().filter((job) => jobs.canTakeBack(job));
    }
    const first = jobs.firstToTakeBack();
    return first ? [first] : [];
  }
}
