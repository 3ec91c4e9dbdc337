// Handles trouble with workers: jobs that must end, and workers that are held,
// left alone, stopped, or die.

import { WorkerCrashedError } from "../errors.ts";
import type { Job, JobRun } from "../job/job.ts";
import { timeToRead } from "./in_flight.ts";
import type { AllShared } from "./parts.ts";
import { LONGEST_SILENCE } from "./stall.ts";
import { goOnStopping } from "./stopping.ts";
import { takeBackAll, takeBackWaiting } from "./take_back.ts";
import type { Look } from "./watch.ts";
import type { PoolWorker } from "./worker.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Reason to stop a lost worker, whose job was aborted and has not ended. */
const IGNORED =
  "A job did not end though it was told to, and its worker was stopped";

/** Time in ms to read data in a pipe, unless this thread was busy longer. */
const READ_WITHIN = 5;

/** Acts on what main sees of its workers; the caller dispatches afterwards. */
export class Supervisor {
  readonly #parts: AllShared;

  constructor(parts: AllShared) {
    this.#parts = parts;
  }

  /** Reads a worker's results in shared memory, and updates its state. */
  collect(worker: PoolWorker): void {
    // The worker's start must be announced before the results of its first job.
    if (!worker.isReady) return;
    const { queue, workers, endings } = this.#parts;
    const { length } = worker.jobs;
    worker.collect();
    // A held worker that has completed a job continues.
    if (worker.jobs.length < length) workers.release(worker);
    if (endings.wantsStarts) endings.announceStarts(worker);
    if (worker.isRetired) queue.putBack(takeBackAll(worker));
    workers.update(worker);
  }

  /** Checks a worker: its jobs may be overdue, or it may be held. */
  look(worker: PoolWorker, look: Look): void {
    const { workers, queue, watch } = this.#parts;
    const { now, late, isDue } = look;
    this.collect(worker);
    if (worker.jobs.length > 0 || worker.state === "held") {
      watch.expectStall();
    }
    if (isDue("timeout")) {
      const { overdue, next } = worker.jobs.findOverdue(now, late);
      for (const job of overdue) this.#timeOut(job, worker);
      watch.expectTimeout(next);
    }
    if (isDue("grace")) {
      for (const { job, isLast } of worker.jobs.aborting.due(now)) {
        this.#endGrace(job, worker, late, isLast);
      }
      watch.at("grace", worker.jobs.aborting.nextDue);
    }
    if (!workers.active.has(worker) || !worker.isReady) return;
    this.#releaseIfStarted(worker);
    const isHeld = worker.state === "held";
    switch (worker.stall.verdict(look, worker.readingUntil, isHeld)) {
      case "held":
        return this.hold(worker);
      case "unresponsive":
        // If no job needs the worker, let it continue with what a job has left behind.
        if (worker.jobs.length === 0 && queue.length === 0) return;
        return this.stop(
          worker,
          new Error(
            `The worker did nothing for ${LONGEST_SILENCE} ms, and was stopped`,
          ),
        );
    }
  }

  /**
   * Moves a worker's waiting jobs to other workers until it sends a message, such
   * as when it finds that a job was taken back. It need not report the start of a job.
   */
  hold(worker: PoolWorker): void {
    const { workers, queue } = this.#parts;
    const first = worker.jobs.firstUnstarted();
    if (first === undefined) return;
    workers.to(worker, "held");
    const other = workers.idle.length > 0
      ? "idle"
      : workers.active.size > 1
      ? "busy"
      : "none";
    queue.putBack(takeBackWaiting(worker, other));
    worker.heldFor = first.worker === worker ? first : undefined;
    this.#releaseIfStarted(worker);
  }

  /** Releases a worker if the job that was not taken back has started. */
  #releaseIfStarted(worker: PoolWorker): void {
    const { heldFor } = worker;
    if (worker.state !== "held" || heldFor === undefined) return;
    if (heldFor.worker === worker && worker.jobs.isUnstarted(heldFor)) return;
    this.#parts.workers.release(worker);
  }

  /**
   * Aborts a job that cannot be taken back.
   *
   * @returns The job's run; `undefined` if the job is still on its way to a process
   */
  abort(job: Job, worker: PoolWorker, reason: unknown): JobRun | undefined {
    const { settings: { abortGrace, now }, watch, endings } = this.#parts;
    // Announce the start of the job before its end.
    if (endings.wantsStarts) endings.announceStarts(worker);
    const due = now() + abortGrace;
    worker.abort(job, reason, due);
    watch.at("grace", due);
    return worker.jobs.isUnstarted(job) ? undefined : worker.runOf(job);
  }

  #timeOut(job: Job, worker: PoolWorker): void {
    const reason = new DOMException("The job timed out", "TimeoutError");
    const run = this.abort(job, worker, reason);
    this.#parts.settlement.timeOut(job, run);
  }

  #endGrace(
    job: Job,
    worker: PoolWorker,
    late: number,
    isLast: boolean,
  ): void {
    if (job.worker !== worker) return;
    if (isLast) return this.#endIgnored(job, worker);
    const { settings } = this.#parts;
    const now = settings.now();
    const due = now + settings.abortGrace;
    // The worker is still reading, and will receive the abort.
    if (now < worker.readingUntil) {
      return worker.jobs.aborting.extend(job, due, false);
    }
    // Otherwise a job could start between the last check and the end.
    this.#parts.queue.putBack(takeBackAll(worker));
    this.collect(worker);
    if (job.worker !== worker) return;
    // Wait for the results on their way, but only once: a job can block them.
    if (worker.jobs.hasPostedEnding) {
      worker.jobs.aborting.extend(job, due, true);
    } else if (settings.isolation === "process" && late > 0) {
      // The end of the job may be in a pipe that main has not read.
      const until = now + timeToRead(late, READ_WITHIN);
      worker.jobs.aborting.extend(job, until, true);
    } else this.#endIgnored(job, worker);
  }

  /** Handles an aborted job that has not ended. */
  #endIgnored(job: Job, worker: PoolWorker): void {
    const { settings, workers, room } = this.#parts;
    const { hardKill, isolation, abortGrace } = settings;
    const canStop = hardKill || isolation === "process";
    // Leave a looping thread alone if it can't be stopped and has no other job.
    if (!canStop && worker.jobs.length === 1 && worker.jobs.aborting.isDeaf) {
      worker.leaveWith(job);
      workers.leave(worker);
      job.extras?.turn?.endIfOver();
      room.leave(worker.isCaller);
      // Nothing waits for the job, so close the values that moved into it. This
      // can end the pool, so it must not run during a check.
      const reason = new DOMException("The job went on", "AbortError");
      queueMicrotask(() => job.extras?.cargo?.close(reason));
      return room.release();
    }
    this.stop(
      worker,
      new Error(
        `Job "${job.fn.name}" did not end within ${abortGrace} ms after it was told to, and its worker was stopped`,
      ),
    );
  }

  /** Checks workers that get no jobs. */
  lookAtInactive(): void {
    this.#lookAtLost();
    goOnStopping(this.#parts);
  }

  /** Puts lost workers back to work, or stops them if they ignore a late abort. */
  #lookAtLost(): void {
    const { workers, settings, watch } = this.#parts;
    for (const worker of workers.lost) {
      const { sinceLost } = worker;
      if (sinceLost === "is back") workers.welcome(worker);
      if (sinceLost !== "hears") continue;
      // The worker has received the abort, late.
      const now = settings.now();
      const due = worker.lastGrace ??= now + settings.abortGrace;
      if (due <= now) this.stop(worker, new Error(IGNORED));
      else watch.at("grace", due);
    }
  }

  /** Stops lost workers, which end when they can, to make room for threads. */
  endLost(): void {
    for (const worker of this.#parts.workers.lost) {
      this.stop(worker, new Error(IGNORED));
    }
  }

  /**
   * Handles a worker that has died by itself.
   *
   * @returns Whether it is useless to start other workers
   */
  died(worker: PoolWorker, cause: unknown): boolean {
    if (worker.state === "gone") return false;
    if (worker.state === "stopping") {
      // The worker was about to end anyway.
      this.#parts.events.emit("workererror", {
        workerId: worker.id,
        error: cause,
      });
      this.stop(worker, cause);
      return false;
    }
    let isOfNoUse = false;
    const { isReady, isSpent, made } = worker;
    const age = performanceNow() - made;
    this.stop(worker, cause, (hasBegunAny) => {
      const death = { isReady, hasBegunAny, isSpent, age };
      isOfNoUse = this.#parts.health.died(death);
      this.#parts.workers.tellDeath(worker, cause);
    });
    return isOfNoUse;
  }

  /**
   * Ends a worker for this reason. Jobs that have not started go back to the
   * queue, unless their payload has moved; the other jobs are lost.
   */
  stop(
    worker: PoolWorker,
    cause: unknown,
    tell?: (hasWorked: boolean) => void,
  ): void {
    const { workers, queue, endings } = this.#parts;
    if (worker.state === "gone") return;
    const { started, unstarted } = workers.end(
      worker,
      new WorkerCrashedError("The worker died", { cause, started: true }),
    );
    const { lost = [], kept = [] } = Object.groupBy(
      unstarted,
      (job) => job.oneAttempt ? "lost" : "kept",
    );
    queue.putBack(kept);
    tell?.(worker.hasWorked || started.length > 0);
    workers.tellGone(worker);
    for (const job of [...lost, ...started]) {
      endings.crashed(worker, job, started.includes(job), cause);
    }
  }
}
