// The jobs in flight to one worker, in the order in which they start. Each has a
// slot of the board until it has ended.

import type { Job } from "../job/job.ts";

/** How often the slots are used before the numbers of the past are dropped. */
const ROUNDS = 4;

/** A list that costs its jobs no pointer: they come and go by the million. */
export class InFlight {
  readonly #slots: (Job | undefined)[];
  readonly #mask: number;
  #end = 0;
  /** The sequence numbers of the jobs, in order, among those of the past. */
  #order: number[] = [];
  #first = 0;
  #length = 0;

  /** @param slots How many there may be: a power of two */
  constructor(slots: number) {
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** How many more there may be. */
  get room(): number {
    return this.#slots.length - this.#length;
  }

  /** What is above the sequence numbers of all of them. */
  get end(): number {
    return this.#end;
  }

  /** Adds a job, and numbers it. */
  add(job: Job): void {
    // Where jobs are concurrent, a slot may still be in use when it is its turn.
    while (this.#slots[this.#end & this.#mask]) this.#end++;
    job.seq = this.#end++;
    this.#slots[job.seq & this.#mask] = job;
    if (this.#length++ === 0) this.#order.length = this.#first = 0;
    else if (this.#order.length >= ROUNDS * this.#slots.length) this.#tidy();
    this.#order.push(job.seq);
  }

  #tidy(): void {
    this.#order = this.#order.filter((seq) => this.get(seq));
    this.#first = 0;
  }

  remove({ seq }: Job): void {
    this.#slots[seq & this.#mask] = undefined;
    this.#length--;
  }

  /** The job of a sequence number. */
  get(seq: number): Job | undefined {
    const job = this.#slots[seq & this.#mask];
    return job?.seq === seq ? job : undefined;
  }

  /** The first job. */
  peek(): Job | undefined {
    if (this.#length === 0) return undefined;
    for (;; this.#first++) {
      const job = this.get(this.#order[this.#first]);
      if (job) return job;
    }
  }

  /** The first job, in order, for which a condition holds. */
  find(holds: (job: Job) => boolean): Job | undefined {
    const { length } = this.#order;
    for (let i = this.#first; i < length; i++) {
      const job = this.get(this.#order[i]);
      if (job && holds(job)) return job;
    }
    return undefined;
  }

  /** All jobs, in order. */
  all(): Job[] {
    this.#tidy();
    return this.#order.map((seq) => this.get(seq)!);
  }
}
