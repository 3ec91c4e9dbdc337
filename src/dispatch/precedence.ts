// Which jobs go before others: keys and priorities as jobs come in, what is taken
// back from workers for a job of a higher priority, and who makes room first.

import type { Job } from "../job/job.ts";
import { Keys } from "../job/keys.ts";
import { isLesser } from "../job/queue.ts";
import type { AllShared } from "./parts.ts";
import { takeBackLower } from "./take_back.ts";
import type { PoolWorker } from "./worker.ts";

/** What it needs beside what all share. */
export interface PrecedenceParts extends AllShared {
  /** A job that waited for its key may start. */
  onFree(): void;
}

/** Milliseconds of work that are worth being taken back for a job of a higher priority. */
const WORTH_TAKING_MS = 0.5;

/** Who goes before whom. */
export class Precedence {
  readonly #parts: PrecedenceParts;
  readonly #keys: Keys;
  /** The lowest priority that any job has had. */
  #lowest = 0;
  /** Whether a job has come that may go before others which were sent ahead. */
  #hasHigher = false;

  constructor(parts: PrecedenceParts) {
    this.#parts = parts;
    this.#keys = new Keys(parts.queue, parts.onFree);
  }

  /** Notes what an accepted job's priority and key ask for. */
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

  /** Whether a job has to wait for others of its key. */
  isBehind({ extras }: Job): boolean {
    return extras?.key !== undefined && this.#keys.isBusy(extras.key);
  }

  /**
   * If a job of a higher priority has come to the queue, takes back the lower ones
   * that were sent ahead, so that it is sent before them.
   *
   * @returns Whether anything was taken back
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

  /** A few small jobs are done sooner than they are sent again. */
  #isWorthTaking(worker: PoolWorker): boolean {
    return !worker.isReady || worker.isHeldUp(WORTH_TAKING_MS) ||
      worker.waiting * this.#parts.pace.mean >= WORTH_TAKING_MS;
  }

  /** The job that makes room first: the oldest of the lowest priority, as far as is known. */
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

  /** The jobs that can be taken back; where all have one priority, the first will do. */
  #waiting({ jobs }: PoolWorker): Job[] {
    if (this.#parts.queue.isRanked) {
      return jobs.all().filter((job) => jobs.canTakeBack(job));
    }
    const first = jobs.firstToTakeBack();
    return first ? [first] : [];
  }
}
