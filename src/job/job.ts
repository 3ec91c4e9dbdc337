// A job: one unit of work, and the promise that its caller waits for.

import type { PoolFunction } from "./functions.ts";
import type { Departures } from "../moving/departures.ts";
import type { LentBytes } from "../values/lent_bytes.ts";
import { LARGE } from "../values/pack.ts";

/** What holds a job once it has left the queue. */
export interface Flight {
  /** Takes a job back; `false` if it has started. */
  takeBack(job: Job): boolean;
  /** Tells a running job that it is to end. */
  abort(job: Job, reason: unknown): void;
}

/** What only some jobs have, so that the others pay nothing for it. */
export interface JobExtras {
  /** Its arguments go in a message of their own. */
  travelsAlone?: boolean;
  /** About how many bytes its arguments take. */
  size?: number;
  /** The large buffers among them that stay the caller's. */
  lent?: LentBytes;
  /** Whether it was taken back from a worker, to be sent to another. */
  wasTakenBack?: boolean;
  signal?: AbortSignal;
  /** How many ms it may execute. */
  timeout?: number;
  /** Moves with the arguments: the job has one attempt, at an idle worker. */
  moves?: Transferable[];
  /** What is no clone among the arguments. */
  departures?: Departures;
  /** The stack of `execute()`'s caller. */
  callerStack?: string;
}

/** About how many bytes a job's arguments take, where they are more than a few primitives. */
export function sizeOf({ args, extras }: Job): number {
  return typeof args === "string" ? args.length : extras?.size ?? 0;
}

/** Whether it costs much to send a job's arguments. */
export function isLarge(job: Job): boolean {
  return sizeOf(job) > LARGE;
}

/** One accepted call of `execute()`. */
export class Job {
  /** Neighbours in the queue. */
  previous: Job | undefined = undefined;
  next: Job | undefined = undefined;
  /** Whether its promise has settled; it may still occupy its worker. */
  settled = false;
  /** Where it is in flight, once it has left the queue. */
  flight: Flight | undefined = undefined;
  seq = 0;

  /**
   * @param id Its number in the pool
   * @param fn What it runs
   * @param args Its arguments, or the text of them
   * @param submitted When it was accepted, in ms on main's clock
   * @param extras What it has beside that
   */
  constructor(
    readonly id: number,
    readonly fn: PoolFunction,
    readonly args: readonly unknown[] | string,
    readonly submitted: number,
    readonly extras: JobExtras | undefined,
    readonly resolve: (value: unknown) => void,
  ) {}

  /**
   * Rejects its promise, through a thenable: to keep the promise's own function
   * for that would cost 64 bytes a job, and to resolve it with a rejected promise
   * makes the runtime search a list for each.
   */
  reject(reason: unknown): void {
    this.resolve({
      then: (_: unknown, reject: (reason: unknown) => void) => reject(reason),
    });
  }

  /** Whether it may go in one message with another job. */
  sharesMessageWith({ extras }: Job): boolean {
    if (this.extras === undefined && extras === undefined) return true;
    return !this.extras?.travelsAlone && !extras?.travelsAlone &&
      (this.extras?.departures === undefined) ===
        (extras?.departures === undefined);
  }

  /** How many ms it may execute. */
  get timeout(): number {
    return this.extras?.timeout ?? Infinity;
  }

  /** Whether its payload is gone once it is sent, so that it must not be sent ahead. */
  get oneAttempt(): boolean {
    return this.extras?.moves !== undefined;
  }
}
