// Jobs in a line: a linked list, so that a job leaves from anywhere at the same
// cost.

import type { Job } from "./job.ts";

/** First in, first out, with removal from the middle. */
export class Line {
  first: Job | undefined;
  #last: Job | undefined;

  /** Adds a job at the end. */
  push(job: Job): void {
    job.previous = this.#last;
    if (this.#last) this.#last.next = job;
    else this.first = job;
    this.#last = job;
  }

  /** Puts a job at the front. */
  unshift(job: Job): void {
    job.next = this.first;
    if (this.first) this.first.previous = job;
    else this.#last = job;
    this.first = job;
  }

  /** Takes a job out, wherever it stands; `false` if it is not in this line. */
  remove(job: Job): boolean {
    const { previous, next } = job;
    if (previous === undefined && this.first !== job) return false;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    job.previous = job.next = undefined;
    return true;
  }
}
