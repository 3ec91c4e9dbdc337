// Submits the items of one map to the pool, and reads their results.

import {
  PoolClosedError,
  PoolTerminatedError,
  WorkerStartError,
} from "../errors.ts";
import { errorOfItem } from "../job/outcome.ts";
import type { Room } from "../job/room.ts";
import { discard } from "../moving/discard.ts";
import { weigh } from "../moving/weigh.ts";
import { fromText } from "../values/plain_text.ts";
import type { BatchResult } from "../wire/batch.ts";
import type { JobSettings } from "./intake.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Portion } from "./map_results.ts";
import type { PoolParts } from "./parts.ts";

/** Approximate bytes that a map holds; above that, only one item for each job that can run at once. */
export const MAX_HELD_BYTES: number = 16 * 1024 * 1024;
/** Maximum number of objects in a result that are measured: 100 000 would take 100 ms. */
const SAMPLE = 1_000;
/** Number of jobs that fill a map, for each job that can run at once, until a result's size is known. */
const JOBS_BEFORE_SIZE = 2;

export class MapJobs {
  readonly #parts: PoolParts;
  readonly room: Room;
  readonly lifetime: Lifetime;
  /** Returns the time of the pool's clock, in ms. */
  readonly now: () => number;
  readonly #job: unknown;
  readonly #options: JobSettings;
  /** Size of the last result in bytes, if any: an estimate for the next results. */
  #resultSize: number | undefined;
  /**
   * Whether items may share jobs: not if a limit or a caller's stack belongs to each
   * job, and not on the caller's thread.
   */
  readonly mayShare: boolean;

  /** @throws {TypeError | JobNotFoundError} If the job is not valid */
  constructor(parts: PoolParts, job: unknown, options: JobSettings) {
    this.#parts = parts;
    this.room = parts.room;
    this.lifetime = parts.lifetime;
    this.now = parts.settings.now;
    this.#job = job;
    // The map has already waited for room.
    this.#options = { ...options, hasRoom: true };
    const { settings, intake } = parts;
    const { maxJobsPerWorker, memoryLimit } = settings;
    const { timeout = settings.timeout } = options;
    this.mayShare = timeout === Infinity && maxJobsPerWorker === Infinity &&
      memoryLimit === undefined && !settings.callerStack &&
      !settings.onCallerThread;
    intake.functionOf(job);
  }

  /** Number of this pool's jobs that can run at once. */
  get places(): number {
    const { settings: { concurrency }, dispatcher } = this.#parts;
    return dispatcher.scaling.maxWorkers * concurrency;
  }

  /**
   * Submits a portion as one job.
   *
   * @param resolve Receives the job's result, or a thenable that rejects
   * @returns Whether it was submitted; several items may be too large to share a job
   * @throws The error that `execute()` rejects with, if the call is refused
   */
  send(portion: Portion, resolve: (value: unknown) => void): boolean {
    const { intake } = this.#parts;
    const { items } = portion;
    // The table may have forgotten the function since the last call.
    const fn = intake.functionOf(this.#job);
    portion.job = items.length === 1
      ? intake.take(fn, items, this.#options, resolve)
      : intake.takeBatch(fn, items, this.#options, resolve);
    // While the size of results is unknown, assume the largest that fits.
    const resultSize = this.#resultSize ??
      Math.ceil(MAX_HELD_BYTES / (JOBS_BEFORE_SIZE * this.places));
    portion.bytes = Math.max(portion.job?.size ?? 0, resultSize);
    return portion.job !== undefined;
  }

  abort({ job }: Portion, reason: unknown): void {
    if (job && !job.settled) this.#parts.dispatcher.abort(job, reason);
  }

  /**
   * Ends everything that moves in a result that is not read, or in an item without a
   * job. A stream in a result would keep its job and the pool open.
   */
  discard(value: unknown, reason: unknown): void {
    try {
      discard(value, reason);
    } catch {
      // A stream that a reader has locked belongs to that reader.
    }
  }

  /** Reads the error of a portion's job, which is the error of all its items. */
  readFailure(portion: Portion, error: unknown): void {
    portion.failures = portion.items.length;
    portion.error = error;
    portion.isFatal = this.lifetime.isStopped && isEndOfPool(error);
    portion.bytes = 0;
  }

  /**
   * Reads the result of a portion's job.
   *
   * @returns Time in ms that the items took, if known
   */
  readResult(portion: Portion, result: unknown): number | undefined {
    const { items } = portion;
    if (items.length === 1) {
      portion.values = [result];
      portion.bytes = this.#resultSize = sizeOf(result);
      return undefined;
    }
    try {
      const time = readBatch(portion, result as BatchResult);
      this.#resultSize = portion.bytes;
      return time;
    } catch (cause) {
      // A process may have written anything.
      const message = "What the worker has written cannot be read";
      this.readFailure(portion, new Error(message, { cause }));
    }
  }
}

function readBatch(portion: Portion, result: BatchResult): number {
  const [time, values, texts, ending] = result;
  const ran = values.length + (ending ? 1 : 0);
  if (!(Array.isArray(values) && ran > 0 && ran <= portion.items.length)) {
    throw new TypeError("Expected results of items");
  }
  // Only the last value can be large: it ends the batch.
  const last = values.at(-1);
  portion.bytes = typeof last === "string" ? last.length : 0;
  for (const at of texts) values[at] = fromText(values[at] as string);
  if (ending?.kind === "value") {
    values.push(ending.value);
    portion.bytes += sizeOf(ending.value);
  } else if (ending) {
    portion.failures = 1;
    portion.error = errorOfItem(ending, portion.job!.fn);
  }
  portion.values = values;
  return Number(time);
}

function isEndOfPool(error: unknown): boolean {
  return error instanceof PoolTerminatedError ||
    error instanceof PoolClosedError || error instanceof WorkerStartError;
}

/** Returns the approximate size of a string or an object in bytes, otherwise 0. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" && value !== null
    ? weigh(value, MAX_HELD_BYTES, SAMPLE)
    : 0;
}
