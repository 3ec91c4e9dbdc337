// Aborts a job whose lock is lost: another consumer may have the job by now.
import type { Worker } from "bullmq";

/** Why a job was aborted whose lock is lost. */
export const LOCK_LOST = "lock lost";

/** The locks of the jobs that run here. */
export class Locks {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #lose: (id: string) => void;
  readonly #duration: number;

  constructor(worker: Worker, duration: number) {
    this.#duration = duration;
    this.#lose = (id) => worker.cancelJob(id, LOCK_LOST);
    worker.on("lockRenewalFailed", (ids) => ids.forEach(this.#lose));
    worker.on("locksRenewed", ({ jobIds }) => {
      for (const id of jobIds) if (this.#timers.has(id)) this.#hold(id);
    });
  }

  /** Watches the lock of a job until this is disposed. */
  watch(id: string): Disposable {
    this.#hold(id);
    return {
      [Symbol.dispose]: () => {
        clearTimeout(this.#timers.get(id));
        this.#timers.delete(id);
      },
    };
  }

  /** When Redis is out of reach nobody tells that a lock has ended, so time does. */
  #hold(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(this.#lose, this.#duration, id));
  }
}
