// What becomes of workers that do not do as they should: jobs that are told to
// end, workers that are held, left alone, stopped, or die.

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

/** Why a worker is stopped that was left alone: it has heard that its job is to end, and goes on. */
const IGNORED =
  "A job did not end though it was told to, and its worker was stopped";

/** Milliseconds within which what is in a pipe is read, if this thread was not busy for longer. */
const READ_WITHIN = 5;

/** Acts on what main sees of its workers; the caller dispatches afterwards. */
export class Supervisor {
  readonly #parts: AllShared;

  constructor(parts: AllShared) {
    this.#parts = parts;
  }

  /** Takes what a worker has left in shared memory, and brings its state in line. */
  collect(worker: PoolWorker): void {
    // That it has started is said before what its first job has left.
    if (!worker.isReady) return;
    const { queue, workers, endings } = this.#parts;
    worker.collect();
    if (endings.wantsStarts) endings.announceStarts(worker);
    if (worker.isRetired) queue.putBack(takeBackAll(worker));
    workers.update(worker);
  }

  /** Looks at a worker: its jobs may have run too long, or it may be held. */
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
        // What a job has left behind may go on where nobody needs its worker.
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
   * Gives what waits before a worker to others, until it says something: that it
   * finds a job taken back, say. It need not say that it has started one.
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

  /** A job that was not taken back may have started: then nothing holds its worker. */
  #releaseIfStarted(worker: PoolWorker): void {
    const { heldFor } = worker;
    if (worker.state !== "held" || heldFor === undefined) return;
    if (heldFor.worker === worker && worker.jobs.isUnstarted(heldFor)) return;
    this.#parts.workers.release(worker);
  }

  /**
   * Tells a job that cannot be taken back to end.
   *
   * @returns Its run; `undefined` if it is still on its way to a process
   */
  abort(job: Job, worker: PoolWorker, reason: unknown): JobRun | undefined {
    const { settings: { abortGrace, now }, watch, endings } = this.#parts;
    // Its end is told next.
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
    // What it does not hear since it is reading, it will hear.
    if (now < worker.readingUntil) {
      return worker.jobs.aborting.extend(job, due, false);
    }
    // Else one may start between the last look and the end.
    this.#parts.queue.putBack(takeBackAll(worker));
    this.collect(worker);
    if (job.worker !== worker) return;
    // What jobs have ended with is on its way. A job can keep it from coming.
    if (worker.jobs.hasPostedEnding) {
      worker.jobs.aborting.extend(job, due, true);
    } else if (settings.isolation === "process" && late > 0) {
      // It may be in a pipe that nobody has read.
      const until = now + timeToRead(late, READ_WITHIN);
      worker.jobs.aborting.extend(job, until, true);
    } else this.#endIgnored(job, worker);
  }

  /** A job has not ended, though it was told to. */
  #endIgnored(job: Job, worker: PoolWorker): void {
    const { settings, workers, room } = this.#parts;
    const { hardKill, isolation, abortGrace } = settings;
    const canStop = hardKill || isolation === "process";
    // Of a loop in a thread that can only be told to end, nothing else is harmed.
    if (!canStop && worker.jobs.length === 1 && worker.jobs.aborting.isDeaf) {
      worker.leaveWith(job);
      workers.leave(worker);
      job.extras?.turn?.endIfOver();
      room.leave(worker.isCaller);
      // Nobody waits for it: what has moved into it ends. This may end the pool, and
      // so not in the middle of a look.
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

  /** Looks at workers that get no jobs. */
  lookAtInactive(): void {
    this.#lookAtLost();
    goOnStopping(this.#parts);
  }

  /** Workers that have ended the jobs with which they were left alone take jobs again. */
  #lookAtLost(): void {
    const { workers, settings, watch } = this.#parts;
    for (const worker of workers.lost) {
      const { sinceLost } = worker;
      if (sinceLost === "is back") workers.welcome(worker);
      if (sinceLost !== "hears") continue;
      // It hears, late, that its job is to end.
      const now = settings.now();
      const due = worker.lastGrace ??= now + settings.abortGrace;
      if (due <= now) this.stop(worker, new Error(IGNORED));
      else watch.at("grace", due);
    }
  }

  /** There is no room for another thread: those that are left alone end when they can. */
  endLost(): void {
    for (const worker of this.#parts.workers.lost) {
      this.stop(worker, new Error(IGNORED));
    }
  }

  /**
   * A worker has died by itself.
   *
   * @returns Whether it is of no use to start others
   */
  died(worker: PoolWorker, cause: unknown): boolean {
    if (worker.state === "gone") return false;
    if (worker.state === "stopping") {
      // It was about to end anyway.
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
   * Ends a worker, for this reason: its jobs that have not started go back to the
   * queue, the others are lost.
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
