// A job: one unit of work, and the promise that its caller awaits.

import type { Cargo } from "../moving/cargo.ts";
import type { LentBytes } from "../values/lent_bytes.ts";
import { LARGE } from "../values/bytes.ts";
import type { PoolFunction } from "./functions.ts";
import type { KeyName, Turn } from "./keys.ts";

/** The worker that a job is in flight to. */
export interface JobWorker {
  readonly id: number;
}

/** Fields that only some jobs need, so all other jobs save the memory. */
export interface JobExtras {
  /** Whether the arguments go in a separate message. */
  travelsAlone?: boolean;
  /** Approximate size of the arguments in bytes. */
  size?: number;
  /** Large buffers among the arguments that stay with the caller. */
  lent?: LentBytes;
  /** Whether the job was taken back from a worker, for another worker. */
  wasTakenBack?: boolean;
  signal?: AbortSignal;
  /**
   * Number of messages that had come from the job's worker when main last found the
   * job overdue.
   */
  overdueAt?: number;
  /** How often main has found the job overdue since that message. */
  overdueLooks?: number;
  /** Until when main waits for a result in a pipe, in ms on main's clock. */
  overdueUntil?: number;
  /** Maximum time in ms that the job runs. */
  timeout?: number;
  /** Trace that the job belongs to. */
  trace?: string;
  /** Objects that move with the arguments. The job has one attempt, at an idle worker. */
  moves?: Transferable[];
  /** Streams, connections and similar values among the arguments. */
  cargo?: Cargo;
  /** Jobs with a higher priority start first; 0 if not set. */
  priority?: number;
  /** Jobs with the same key take turns. */
  key?: KeyName;
  /** Place of an accepted job in the line of its key. */
  turn?: Turn;
  /** Stack of the caller of `execute()`. */
  callerStack?: string;
}

/** Where and when a job ran, in ms on main's clock. */
export interface JobRun {
  workerId: number;
  start: number;
  end: number;
}

/** An accepted call of `execute()`. */
export class Job {
  /** Neighbors in the queue. */
  previous: Job | undefined = undefined;
  next: Job | undefined = undefined;
  /** Whether the promise has settled; the job can still occupy its worker. */
  settled = false;
  /** Worker that the job is in flight to. */
  worker: JobWorker | undefined = undefined;
  /** Sequence number of the job at its worker. */
  seq = 0;

  /**
   * @param id Number of the job in its pool
   * @param fn Function that the job runs
   * @param args Arguments, or their text
   * @param submitted When the job was accepted, in ms on main's clock
   * @param extras Fields that only some jobs need
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
   * Rejects the promise through a thenable. Keeping the promise's own reject
   * function would cost 64 bytes per job. Resolving with a rejected promise would
   * make the runtime search a list for each job.
   */
  reject(reason: unknown): void {
    this.resolve({
      then: (_: unknown, reject: (reason: unknown) => void) => reject(reason),
    });
  }

  /** Returns whether the job can go in one message with another job. */
  sharesMessageWith({ extras }: Job): boolean {
    if (this.extras === undefined && extras === undefined) return true;
    return !this.extras?.travelsAlone && !extras?.travelsAlone &&
      (this.extras?.cargo === undefined) === (extras?.cargo === undefined);
  }

  /** Maximum time in ms that the job runs. */
  get timeout(): number {
    return this.extras?.timeout ?? Infinity;
  }

  /** Trace that the job belongs to, if there is tracing. */
  get trace(): string | undefined {
    return this.extras?.trace;
  }

  /** Jobs with a higher priority start first. */
  get priority(): number {
    return this.extras?.priority ?? 0;
  }

  /** Approximate size of the arguments in bytes, if they are more than a few primitives. */
  get size(): number {
    return typeof this.args === "string"
      ? this.args.length
      : this.extras?.size ?? 0;
  }

  /** Whether the arguments are expensive to send. */
  get isLarge(): boolean {
    return this.size > LARGE;
  }

  /** Whether sending the job uses up its arguments, so it must not be sent ahead. */
  get oneAttempt(): boolean {
    return this.extras?.moves !== undefined;
  }
}
