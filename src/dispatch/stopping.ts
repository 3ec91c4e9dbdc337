// Workers that run what `onStop()` was given before they end, each for a grace.

import type { PoolWorker } from "./worker.ts";
import type { Watch } from "./watch.ts";

/** The workers that were told to stop. */
export class Stopping {
  readonly #grace: number;
  readonly #watch: Watch;
  /** When the grace of each is over. */
  readonly #due = new Map<PoolWorker, number>();

  /** @param grace How many ms each has */
  constructor(grace: number, watch: Watch) {
    this.#grace = grace;
    this.#watch = watch;
  }

  /** Tells a worker to stop, which keeps the process until it has. */
  begin(worker: PoolWorker): void {
    const due = performance.now() + this.#grace;
    this.#due.set(worker, due);
    worker.keepProcess(true);
    worker.tellToStop();
    this.#watch.at("grace", due);
  }

  /** A worker is gone. */
  end(worker: PoolWorker): void {
    this.#due.delete(worker);
  }

  /** What has become of one of them. */
  stateOf(worker: PoolWorker): "done" | "overdue" | "goes on" {
    if (worker.hasStopped) return "done";
    const due = this.#due.get(worker)!;
    if (performance.now() >= due) return "overdue";
    this.#watch.at("grace", due);
    return "goes on";
  }
}
