// Sends jobs to one worker, with the functions that they run and the values
// that move with them.

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

/** Factor by which reading a message may take longer than sending it. */
const READ_FACTOR = 20;

/** How jobs were sent. */
export interface Sent {
  /** Shortest timeout of the jobs, in ms. */
  shortestTimeout: number;
  /** Time in ms that it took to send the jobs. */
  spent: number;
}

/** Writes for one worker. */
export class Outbox {
  readonly #thread: WorkerThread;
  readonly #link: Link;
  readonly #functions: KnownFunctions;
  readonly #ring: JobRing | undefined;
  /** Number of messages with functions or jobs that were sent. */
  #epoch = 0;
  /** Time on main's clock until which the worker may be reading messages. */
  readingUntil = 0;

  /** @param ring Job ring; unset for processes and on the caller's thread */
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

  /** Sends the functions of the jobs, if the worker does not know them. */
  sendFunctions(jobs: readonly Job[]): void {
    const message = this.#functions.definitionsFor(jobs);
    if (message === undefined) return;
    this.#thread.post(message);
    this.#epoch++;
  }

  /**
   * Sends jobs in one message. Several jobs must be able to share a message.
   *
   * @param isAside Whether they run alongside jobs in progress
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
