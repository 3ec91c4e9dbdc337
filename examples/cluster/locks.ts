// Aborts a job whose lock is lost: another consumer may have the job by now.
import type { Worker } from "bullmq";

/** Why a job was aborted whose lock is lost. */
export const LOCK_LOST = "lock lost";

interface Lock {
  lost: AbortController;
  timer?: ReturnType<typeof setTimeout>;
}

/** The locks of the jobs that run here. */
export class Locks {
  readonly #byJob = new Map<string, Lock>();
  readonly #duration: number;

  constructor(worker: Worker, duration: number) {
    this.#duration = duration;
    worker.on("locksRenewed", ({ jobIds }) => {
      for (const id of jobIds) this.#expect(this.#byJob.get(id));
    });
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids) this.#byJob.get(id)?.lost.abort(LOCK_LOST);
    });
  }

  /** A signal that aborts when the lock of a job is lost, until this is disposed. */
  watch(id: string): { signal: AbortSignal } & Disposable {
    // A job that starts here once more, while it runs, has lost its first lock.
    this.#byJob.get(id)?.lost.abort(LOCK_LOST);
    const lock: Lock = { lost: new AbortController() };
    this.#byJob.set(id, lock);
    this.#expect(lock);
    return {
      signal: lock.lost.signal,
      [Symbol.dispose]: () => {
        clearTimeout(lock.timer);
        if (this.#byJob.get(id) === lock) this.#byJob.delete(id);
      },
    };
  }

  /** While Redis is out of reach nobody tells that a lock has ended, so time does. */
  #expect(lock: Lock | undefined): void {
    if (!lock) return;
    clearTimeout(lock.timer);
    lock.timer = setTimeout(() => lock.lost.abort(LOCK_LOST), this.#duration);
  }
}
