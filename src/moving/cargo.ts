// The interface through which the core of the pool handles what moves with a job.

import type { Departure, MovedOfJob } from "./kind.ts";

/** Everything that moves into a job, in the thread that it leaves. */
export interface Cargo extends Departure<MovedOfJob> {
  readonly size: number;
  takeBack(): void;
  whenClosed(callback: () => void): void;
  close(reason: unknown): void;
}
