// Gives the items of one map to the pool, and reads what they have come to.

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

/** About how many bytes a map holds; beyond that, only as many items as jobs can run at once. */
export const MAX_HELD_BYTES: number = 16 * 1024 * 1024;
/** Objects of a large result that are weighed: to look at 100 000 takes 100 ms. */
const SAMPLE = 1_000;
/** Jobs that fill a map, for each that can run at once, until the size of a result is known. */
const JOBS_BEFORE_SIZE = 2;

/** One map's way into the pool. */
export class MapJobs {
  readonly #parts: PoolParts;
  readonly room: Room;
  readonly lifetime: Lifetime;
  /** The pool's clock, in ms. */
  readonly now: () => number;
  readonly #job: unknown;
  readonly #options: JobSettings;
  /** How many bytes the last result has had, if one has come: the next ones may have as many. */
  #resultSize: number | undefined;
  /**
   * Whether items may share jobs: only where no item of a job can end the others by
   * what it does to its worker.
   */
  readonly mayShare: boolean;

  /** @throws {TypeError} If the job cannot be one */
  constructor(parts: PoolParts, job: unknown, options: JobSettings) {
    this.#parts = parts;
    this.room = parts.room;
    this.lifetime = parts.lifetime;
    this.now = parts.settings.now;
    this.#job = job;
    // It has waited for that.
    this.#options = { ...options, hasRoom: true };
    const { settings, intake } = parts;
    const { maxJobsPerWorker, memoryLimit } = settings;
    const { timeout = settings.timeout } = options;
    this.mayShare = timeout === Infinity && maxJobsPerWorker === Infinity &&
      memoryLimit === undefined && !settings.callerStack &&
      !settings.onCallerThread;
    intake.functionOf(job);
  }

  /** How many jobs can run at once. */
  get places(): number {
    const { settings: { concurrency }, dispatcher } = this.#parts;
    return dispatcher.scaling.maxWorkers * concurrency;
  }

  /**
   * Sends a portion on its way.
   *
   * @param resolve Gets what its job has come to
   * @returns Whether it has left; several items may be too large to share a job
   * @throws What `execute()` rejects with, if the call is refused
   */
  send(portion: Portion, resolve: (value: unknown) => void): boolean {
    const { intake } = this.#parts;
    const { items } = portion;
    // What it runs may have been forgotten since the last call.
    const fn = intake.functionOf(this.#job);
    portion.job = items.length === 1
      ? intake.take(fn, items, this.#options, resolve)
      : intake.takeBatch(fn, items, this.#options, resolve);
    // Of unknown ones, each is taken to be as large as fits.
    const resultSize = this.#resultSize ??
      Math.ceil(MAX_HELD_BYTES / (JOBS_BEFORE_SIZE * this.places));
    portion.bytes = Math.max(portion.job?.size ?? 0, resultSize);
    return portion.job !== undefined;
  }

  /** Ends the job of a portion, wherever it is. */
  abort({ job }: Portion, reason: unknown): void {
    if (job && !job.settled) this.#parts.dispatcher.abort(job, reason);
  }

  /**
   * Lets go of a result that nobody gets, whose stream would keep its job, and the
   * pool, open; or of an item that gets no job: what moves of it ends.
   */
  discard(value: unknown, reason: unknown): void {
    try {
      discard(value, reason);
    } catch {
      // What its reader has locked is that one's own.
    }
  }

  /** The job of a portion has failed, and so have all its items. */
  readFailure(portion: Portion, error: unknown): void {
    portion.failures = portion.items.length;
    portion.error = error;
    portion.isFatal = this.lifetime.isStopped && isEndOfPool(error);
    portion.bytes = 0;
  }

  /**
   * Reads what the job of a portion has come to.
   *
   * @returns How many ms its items took, if that is known
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
  // Only the last may be large: it ends the batch.
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

/** About how many bytes a value takes, where that is worth a look. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" && value !== null
    ? weigh(value, MAX_HELD_BYTES, SAMPLE)
    : 0;
}
