// What goes to one worker: jobs, with the functions they run and what moves with
// them.

import { JobCloneError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { type FunctionTable, KnownFunctions } from "../job/functions.ts";
import type { Job } from "../job/job.ts";
import type { WorkerThread } from "../threads/worker_thread.ts";
import { whyUnsent } from "../values/movable.ts";
import { WAKE } from "../wire/protocol.ts";
import { JobListWriter } from "../wire/job_list.ts";
import type { JobRing } from "../wire/job_ring.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** How many times longer it may take to read a message than to send it. */
const READ_FACTOR = 20;

/** How jobs were sent. */
export interface Sent {
  /** How many ms the first of them to time out may execute. */
  shortestTimeout: number;
  /** How many ms it took to send them. */
  spent: number;
}

/** Writes for one worker. */
export class Outbox {
  readonly #thread: WorkerThread;
  readonly #link: Link;
  readonly #functions: KnownFunctions;
  readonly #ring: JobRing | undefined;
  /** How many messages with functions or jobs have been sent. */
  #epoch = 0;
  /** Until when, on main's clock, the worker may be reading what it was sent. */
  readingUntil = 0;

  /** @param ring Of shared memory, if there is any: to a process all is copied */
  constructor(
    thread: WorkerThread,
    link: Link,
    functions: FunctionTable,
    ring: JobRing | undefined,
  ) {
    this.#thread = thread;
    this.#link = link;
    this.#functions = new KnownFunctions(functions);
    this.#ring = ring;
  }

  /** Sends the functions that the jobs run, if the worker does not know them. */
  sendFunctions(jobs: readonly Job[]): void {
    const message = this.#functions.definitionsFor(jobs);
    if (message === undefined) return;
    this.#thread.post(message);
    this.#epoch++;
  }

  /**
   * Sends jobs in one message, which all but a single one must allow to share.
   *
   * @param isAside Whether they run beside those in progress
   * @throws {JobCloneError} If they cannot be cloned
   */
  send(jobs: readonly Job[], isAside: boolean): Sent {
    const { cargo, moves, lent } = jobs[0].extras ?? {};
    const loan = this.#ring && lent?.lend();
    const writer = new JobListWriter();
    for (const job of jobs) writer.write(job, isAside);
    const { list, shortestTimeout } = writer;
    const isBare = moves === undefined && cargo === undefined;
    if (isBare && this.#ring?.write(list, this.#epoch)) {
      this.#thread.post(WAKE);
      return { shortestTimeout, spent: 0 };
    }
    const begun = performanceNow();
    const moving = loan ? [...loan.moves, ...moves ?? []] : moves;
    try {
      if (cargo === undefined) this.#thread.post(list, moving);
      else {
        const moved = jobs.map(({ extras }) => extras!.cargo!.send(this.#link));
        this.#thread.post({ kind: "moving-jobs", jobs: list, moved }, moving);
        this.#link.woken();
      }
      this.#epoch++;
    } catch (cause) {
      throw new JobCloneError(
        `The arguments cannot be cloned: ${whyUnsent(cause)}`,
        { cause },
      );
    } finally {
      if (loan) lent!.restore(loan.copies);
    }
    const now = performanceNow();
    const spent = now - begun;
    this.readingUntil = Math.max(this.readingUntil, now) + READ_FACTOR * spent;
    return { shortestTimeout, spent };
  }
}
