// What all copies of the package in one thread share: a job module may have
// loaded another copy than the pool that runs it.

import { SafeWeakMap } from "./intrinsics.ts";

/** The job that a handler is executing. */
export interface CurrentJob {
  /** The job's number in its pool, from 1. */
  readonly id: number;
  /** The name of the job; of an inline job, the name of its function, or `"inline"`. */
  readonly name: string;
  /** The number of the worker in its pool, from 1; 0 if the queue was full and the caller runs the job. */
  readonly workerId: number;
  /**
   * Fires when the caller aborts the job, with the caller's reason, and when the job
   * times out, with a `DOMException` whose name is `"TimeoutError"`.
   */
  readonly signal: AbortSignal;
  /** When the job times out, in ms as of `Date.now()`; `undefined` without a timeout. */
  readonly deadline: number | undefined;
  /**
   * Reports progress to the `onProgress` option of the job's call. The value is
   * cloned at once; what is marked with `transfer` moves. If values come faster than
   * the caller looks, only the latest arrives; the last one before the job's end always
   * does. Without `onProgress` this does nothing.
   *
   * @param value Anything that can be cloned
   * @throws {JobCloneError} If it cannot be cloned
   */
  report(value: unknown): void;
}

/** Runs jobs so that each is the current one of what it does, where several are in progress. */
export interface JobStorage {
  /** Calls something as a part of a job. */
  run<Args extends unknown[], R>(
    job: CurrentJob,
    call: (...args: Args) => R,
    ...args: Args
  ): R;
  /** The job that the caller is a part of. */
  getStore(): CurrentJob | undefined;
}

/** Where a thread keeps its current job. */
export const currentJobSlot: {
  job: CurrentJob | undefined;
  /** Where it keeps several. */
  storage: JobStorage | undefined;
} = sharedByCopies(
  "current-job",
  () => ({ job: undefined, storage: undefined }),
);

/** What a worker does before it ends. */
type StopCallback = () => unknown;

/** What belongs to a worker as a whole. */
export interface WorkerLife {
  /** What every worker of its pool is given. */
  readonly data: unknown;
  /** The URL of the program's main module, if it may be known. */
  readonly mainModule?: string;
  /** The URL of the module that it is loading. */
  loading?: string;
  /** What it does before it ends, the first to be done last. */
  readonly callbacks: StopCallback[];
  /** Says that it has something to do then. */
  askToStop(): void;
}

/** Where a thread keeps that, if it is a worker. */
export const lifeSlot: {
  life: WorkerLife | undefined;
  /** Where the caller's own thread keeps those of the workers that are stopping. */
  stopping?: {
    run<R>(life: WorkerLife, call: () => R): R;
    getStore(): WorkerLife | undefined;
  };
} = sharedByCopies("worker", () => ({ life: undefined }));

/** That of the worker which the caller's code belongs to. */
export function currentLife(): WorkerLife | undefined {
  const { storage, job } = currentJobSlot;
  const current = (storage?.getStore() ?? job) as
    | { life?: WorkerLife }
    | undefined;
  return current?.life ?? lifeSlot.stopping?.getStore() ?? lifeSlot.life;
}

/**
 * The URL of the program's main module: Deno tells it on the main thread only, and
 * a worker of a pool is told by its pool.
 */
export function mainModule(): string | undefined {
  const { life } = lifeSlot;
  if (life !== undefined) return life.mainModule;
  try {
    return Deno.mainModule;
  } catch {
    // A Deno that asks for a permission to tell it.
    return undefined;
  }
}

/** What moves with a marked value: the list given, or all that it holds. */
export type Mark = readonly Transferable[] | "everything";

const marks = sharedByCopies("transfers", () => ({
  of: new SafeWeakMap<object, Mark>(),
  /** Whether anything was ever marked: until then, nobody needs to look. */
  any: false,
}));

/** Marks a value. */
export function mark(value: object, mark: Mark): void {
  marks.any = true;
  marks.of.set(value, mark);
}

/** What a value is marked to move, if it is marked. */
export function markOf(value: object): Mark | undefined {
  return marks.any ? marks.of.get(value) : undefined;
}

/** Takes the marks away from values that have been sent. */
export function unmark(values: readonly object[]): void {
  for (let i = 0; i < values.length; i++) marks.of.delete(values[i]);
}

/** The one object of this name in this thread, made by the first copy to ask. */
function sharedByCopies<T extends object>(
  name: string,
  make: () => T,
): T {
  const key = Symbol.for(`@spindle/thread-pool/${name}`);
  const holder = globalThis as unknown as Record<symbol, T | undefined>;
  return holder[key] ??= make();
}
