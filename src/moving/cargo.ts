// What the core of the pool knows of what moves with a job.

import type { Link } from "../flow/link.ts";
import type { MovedOfJob } from "./kind.ts";

/** All that moves into a job, in the thread that it leaves. */
export interface Cargo {
  /** How many bytes go with its description. */
  readonly size: number;
  /** Whether it is not known yet what is there of it, such as a client's first bytes. */
  readonly isPending: boolean;
  /** Calls back when something more of it is known. */
  whenReady(callback: () => void): void;
  /** Describes it for a worker, to which it is joined from now on. */
  send(link: Link): MovedOfJob;
  /** Undoes that, so that it can be sent to another worker. */
  takeBack(): void;
  /** Calls back when nothing of it is open any more. */
  whenClosed(callback: () => void): void;
  /** Closes what is still open of it, for this reason. */
  close(reason: unknown): void;
}
