// State that all copies of the package in one thread share: a job module can load
// a different copy from the pool that runs it.

import { SafeWeakMap } from "./intrinsics.ts";

/** The job that a handler is executing. */
export interface CurrentJob {
  /** Number of the job in its pool, from 1. */
  readonly id: number;
  /** Name of the job; of an inline job, the name of its function, or `"inline"`. */
  readonly name: string;
  /** Number of the worker in its pool, from 1; 0 if the queue was full and the caller runs the job. */
  readonly workerId: number;
  /**
   * Signal that fires when the caller aborts the job, with the caller's reason, or when
   * the job times out, with a `DOMException` whose name is `"TimeoutError"`.
   */
  readonly signal: AbortSignal;
  /** Time of the timeout, in ms as of `Date.now()`; `undefined` without a timeout. */
  readonly deadline: number | undefined;
  /**
   * Reports progress to the `onProgress` option of the job's call. The value is
   * cloned at once; objects marked with `transfer` move. If values come faster than the
   * caller checks, only the latest arrives. The last value before the job's end always
   * arrives. Without `onProgress`, this does nothing.
   *
   * @param value Any value that can be cloned
   * @throws {JobCloneError} If the value cannot be cloned
   */
  report(value: unknown): void;
}

/** Tracks which job the running code is part of, if several are in progress. */
export interface JobStorage {
  /** Calls a function as part of a job. */
  run<Args extends unknown[], R>(
    job: CurrentJob,
    call: (...args: Args) => R,
    ...args: Args
  ): R;
  /** Returns the job that the caller is part of. */
  getStore(): CurrentJob | undefined;
}

/** The current job of this thread. */
export const currentJobSlot: {
  job: CurrentJob | undefined;
  /** The current jobs, if several can be in progress. */
  storage: JobStorage | undefined;
} = sharedByCopies(
  "current-job",
  () => ({ job: undefined, storage: undefined }),
);

/** Callback that a worker runs before it ends. */
type StopCallback = () => unknown;

/** State of a worker as a whole. */
export interface WorkerLife {
  /** `workerData` of the pool. */
  readonly data: unknown;
  /** URL of the program's main module, if the worker may know it. */
  readonly mainModule?: string;
  /** URL of the module that the worker is loading. */
  loading?: string;
  /** Callbacks to run before the worker ends, last to first. */
  readonly callbacks: StopCallback[];
  /** Reports that the worker has callbacks to run before it ends. */
  askToStop(): void;
}

/** State of this thread's worker, if the thread is a worker. */
export const lifeSlot: {
  life: WorkerLife | undefined;
  /** In the caller's own thread: the states of workers that are stopping. */
  stopping?: {
    run<R>(life: WorkerLife, call: () => R): R;
    getStore(): WorkerLife | undefined;
  };
} = sharedByCopies("worker", () => ({ life: undefined }));

/** Returns the state of the worker that the calling code is part of. */
export function currentLife(): WorkerLife | undefined {
  const { storage, job } = currentJobSlot;
  const current = (storage?.getStore() ?? job) as
    | { life?: WorkerLife }
    | undefined;
  return current?.life ?? lifeSlot.stopping?.getStore() ?? lifeSlot.life;
}

/**
 * Returns the URL of the program's main module. Deno reports it only on the main
 * thread; a worker receives it from its pool.
 */
export function mainModule(): string | undefined {
  const { life } = lifeSlot;
  if (life !== undefined) return life.mainModule;
  try {
    return Deno.mainModule;
  } catch {
    // Some versions of Deno need a permission for this.
    return undefined;
  }
}

/** What moves with a marked value: a list of objects, or every transferable in it. */
export type Mark = readonly Transferable[] | "everything";

const marks = sharedByCopies("transfers", () => ({
  of: new SafeWeakMap<object, Mark>(),
  /** Whether any value was ever marked; until then, lookups are skipped. */
  any: false,
}));

/** Marks a value as moving. */
export function mark(value: object, mark: Mark): void {
  marks.any = true;
  marks.of.set(value, mark);
}

/** Returns the mark of a value, if it has one. */
export function markOf(value: object): Mark | undefined {
  return marks.any ? marks.of.get(value) : undefined;
}

/** Removes the marks of values that have been sent. */
export function unmark(values: readonly object[]): void {
  for (let i = 0; i < values.length; i++) marks.of.delete(values[i]);
}

/** Returns the thread's object with this name; the first copy that asks creates it. */
function sharedByCopies<T extends object>(
  name: string,
  make: () => T,
): T {
  const key = Symbol.for(`@spindle/thread-pool/${name}`);
  const holder = globalThis as unknown as Record<symbol, T | undefined>;
  return holder[key] ??= make();
}
