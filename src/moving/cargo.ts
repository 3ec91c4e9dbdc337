// What the core of the pool knows of what moves with a job.

import type { Departure, MovedOfJob } from "./kind.ts";

/** All that moves into a job, in the thread that it leaves. */
export interface Cargo extends Departure<MovedOfJob> {
  readonly size: number;
  takeBack(): void;
  whenClosed(callback: () => void): void;
  close(reason: unknown): void;
}
