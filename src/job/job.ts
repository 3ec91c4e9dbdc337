// A job: one unit of work, and the promise that its caller waits for.

import type { Cargo } from "../moving/cargo.ts";
import type { LentBytes } from "../values/lent_bytes.ts";
import { LARGE } from "../values/bytes.ts";
import type { PoolFunction } from "./functions.ts";
import type { KeyName, Turn } from "./keys.ts";

/** The worker that a job is in flight to. */
export interface JobWorker {
  readonly id: number;
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
  /**
   * How many messages had come from its worker when it was found to execute for longer
   * than it may.
   */
  overdueAt?: number;
  /** How often it was found so since the last of these. */
  overdueLooks?: number;
  /** Until when its result may be in a pipe. */
  overdueUntil?: number;
  /** How many ms it may execute. */
  timeout?: number;
  /** The trace that it is a part of. */
  trace?: string;
  /** Moves with the arguments: the job has one attempt, at an idle worker. */
  moves?: Transferable[];
  /** The streams, connections and the like among the arguments. */
  cargo?: Cargo;
  /** Higher ones start first; 0 if it is not set. */
  priority?: number;
  /** Jobs of one key take turns. */
  key?: KeyName;
  /** Its place in the line of its key, once it has been accepted. */
  turn?: Turn;
  /** The stack of `execute()`'s caller. */
  callerStack?: string;
}

/** Where and when a job ran, in ms on main's clock. */
export interface JobRun {
  workerId: number;
  start: number;
  end: number;
}

/** One accepted call of `execute()`. */
export class Job {
  /** Neighbors in the queue. */
  previous: Job | undefined = undefined;
  next: Job | undefined = undefined;
  /** Whether its promise has settled; it may still occupy its worker. */
  settled = false;
  /** The worker it is in flight to. */
  worker: JobWorker | undefined = undefined;
  /** Its sequence number there. */
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
   * would cost 64 bytes a job, and to resolve it with a rejected promise makes
   * the runtime search a list for each.
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
      (this.extras?.cargo === undefined) === (extras?.cargo === undefined);
  }

  /** How many ms it may execute. */
  get timeout(): number {
    return this.extras?.timeout ?? Infinity;
  }

  /** The trace that it is a part of, if anything is traced. */
  get trace(): string | undefined {
    return this.extras?.trace;
  }

  /** Higher ones start first. */
  get priority(): number {
    return this.extras?.priority ?? 0;
  }

  /** About how many bytes its arguments take, where they are more than a few primitives. */
  get size(): number {
    return typeof this.args === "string"
      ? this.args.length
      : this.extras?.size ?? 0;
  }

  /** Whether sending its arguments costs much. */
  get isLarge(): boolean {
    return this.size > LARGE;
  }

  /** Whether its payload is gone once it is sent, so that it must not be sent ahead. */
  get oneAttempt(): boolean {
    return this.extras?.moves !== undefined;
  }
}
