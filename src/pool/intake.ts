// Turns calls into jobs, and passes the jobs to the dispatcher.

import {
  JobDiscardedError,
  JobNotFoundError,
  QueueFullError,
  WorkerCrashedError,
} from "../errors.ts";
import { expected, written } from "../expected.ts";
import type { PoolFunction } from "../job/functions.ts";
import { Job, type JobExtras } from "../job/job.ts";
import { ProgressDeparture } from "../moving/progress.ts";
import { InlineSource } from "../moving/sender_departure.ts";
import type { YieldsDeparture } from "../moving/yields.ts";
import type { ExecuteOptions } from "../options.ts";
import type { Departing, Kind } from "../values/departing.ts";
import { isObject } from "./checks.ts";
import type { PoolParts } from "./parts.ts";
import { plainOf, takePayload } from "./payload.ts";
import { executeSettings } from "./settings.ts";
import { stackOfCaller } from "../values/stacks.ts";
import { traceReader } from "../values/trace.ts";
import { CoarseClock } from "./coarse_clock.ts";

/** Checked options of a job, and what the pool's own code adds to them. */
export interface JobSettings
  extends Partial<ReturnType<typeof executeSettings>> {
  /** Receives the values that the job yields, if the job is a generator. */
  yields?: YieldsDeparture;
  /** Whether a sender submits the job, which it can do after `close()`. */
  bySender?: boolean;
  /** Whether the caller has already waited for room. */
  hasRoom?: boolean;
  /** The caller's trace, if the caller does not call the intake itself. */
  trace?: string;
  /** The caller's stack, if the caller does not call the intake itself. */
  callerStack?: string;
}

const NO_OPTIONS: JobSettings = {};

/** A job with a priority or a key may have to wait for other jobs. */
const ORDERED = { sendsAtOnce: false };

export class Intake {
  readonly #parts: Omit<PoolParts, "intake">;
  readonly #clock: CoarseClock;
  readonly #traceNow = traceReader();
  #jobCount = 0;

  constructor(parts: Omit<PoolParts, "intake">) {
    this.#parts = parts;
    this.#clock = new CoarseClock(parts.settings.now);
  }

  /**
   * Accepts a job, and returns it with its promise. A refused call moves nothing.
   *
   * @param more Settings that are not options of the caller
   * @throws The error that `execute()` rejects with, if the call is refused
   */
  accept(
    name: unknown,
    args: unknown,
    options: ExecuteOptions | undefined,
    more?: Partial<JobSettings>,
  ): { job: Job; promise: Promise<unknown> } {
    const { settings } = this.#parts;
    checkCall("execute", name, args, options);
    const checked = options ? executeSettings(options, settings) : NO_OPTIONS;
    const all = more ? { ...checked, ...more } : checked;
    const fn = this.functionOf(name);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const job = this.take(fn, args as unknown[], all, resolve);
    return { job, promise };
  }

  /**
   * Accepts a job whose options are checked.
   *
   * @param resolve Receives the job's result, or a thenable that rejects
   * @throws The error that `execute()` rejects with, if the call is refused
   */
  take(
    fn: PoolFunction,
    args: readonly unknown[],
    options: JobSettings,
    resolve: (value: unknown) => void,
  ): Job {
    const { settings, dispatcher, settlement, lifetime } = this.#parts;
    const { signal, transfer, timeout = settings.timeout } = options;
    const { onProgress, yields, priority, key, bySender, trace } = options;
    if (bySender ? lifetime.isStopped : lifetime.refuses) {
      throw lifetime.refusal();
    }
    signal?.throwIfAborted();
    this.#checkBreakdown();
    const { whenFull } = settings;
    const isFull = whenFull !== "wait" && !options.hasRoom &&
      !this.#parts.room.hasRoomFor(1);
    const callerRuns = isFull && whenFull === "caller-runs";
    const discards = isFull && whenFull === "discard-oldest" &&
      dispatcher.hasWaiting(priority ?? 0);
    if (isFull && !callerRuns && !discards) {
      throw this.#queueFull(fn.name, args);
    }

    const progress = onProgress && new ProgressDeparture(onProgress);
    const back = progress || yields ? comingBack(progress, yields) : undefined;
    const sender = key === undefined && !priority ? dispatcher : ORDERED;
    const payload = takePayload(args, transfer, settings, sender, back);
    let { extras } = payload;
    if (settings.callerStack) {
      (extras ??= {}).callerStack = options.callerStack ?? stackOfCaller();
    }
    if (signal) (extras ??= {}).signal = signal;
    if (timeout < Infinity) (extras ??= {}).timeout = timeout;
    if (trace !== undefined) (extras ??= {}).trace = trace;
    if (priority) (extras ??= {}).priority = priority;
    if (key !== undefined) (extras ??= {}).key = key;
    const job = this.#add(fn, payload.args, extras, resolve);
    progress?.hearWhile(() => !job.settled);
    // Only now is the job sure to be accepted. Perhaps no job waits any more.
    const discarded = discards ? dispatcher.takeOldest() : undefined;
    // A getter in the arguments may have ended the pool or aborted the job.
    if (lifetime.isStopped) settlement.fail(job, lifetime.refusal());
    else if (signal?.aborted) settlement.abort(job, signal.reason);
    else if (!callerRuns || !dispatcher.executeOnCaller(job)) {
      dispatcher.add(job);
    }
    if (discarded) settlement.fail(discarded, this.#discarded(discarded));
    return job;
  }

  /**
   * Accepts several calls with one argument each as one job, whose result is a
   * `BatchResult`. The caller has waited for room.
   *
   * @returns The job; or `undefined` if an item is not small and plain, and then nothing is accepted
   */
  takeBatch(
    fn: PoolFunction,
    items: readonly unknown[],
    { priority }: JobSettings,
    resolve: (value: unknown) => void,
  ): Job | undefined {
    const { functions, dispatcher, settlement, lifetime } = this.#parts;
    lifetime.throwIfRefusing();
    this.#checkBreakdown();
    const args = plainOf(items);
    if (args === undefined) return undefined;
    const extras = priority ? { priority } : undefined;
    const job = this.#add(functions.batchOf(fn), args, extras, resolve);
    if (lifetime.isStopped) settlement.fail(job, lifetime.refusal());
    else dispatcher.add(job);
    return job;
  }

  #add(
    fn: PoolFunction,
    args: readonly unknown[] | string,
    extras: JobExtras | undefined,
    resolve: (value: unknown) => void,
  ): Job {
    const trace = this.#traceNow?.();
    if (trace !== undefined) (extras ??= {}).trace ??= trace;
    const now = this.#clock.now();
    const job = new Job(++this.#jobCount, fn, args, now, extras, resolve);
    this.#parts.settlement.add(job);
    return job;
  }

  /** Returns the function of a job; `streams` also allows a generator. */
  functionOf(job: unknown, streams = false): PoolFunction {
    const { functions, settings } = this.#parts;
    if (job instanceof InlineSource) {
      return functions.ofSource(job.name, job.source);
    }
    if (typeof job === "function") return functions.inline(job, streams);
    if (typeof job !== "string") {
      throw expected("job", "the name of a job or a function", job);
    }
    if (settings.module !== undefined) return functions.named(job);
    throw new JobNotFoundError(
      `Job "${job}" not found: the pool has no module`,
    );
  }

  /** Refuses new jobs while workers die in a row and no worker is alive. */
  #checkBreakdown(): void {
    const { breakdown } = this.#parts.dispatcher;
    if (breakdown === undefined) return;
    const { deaths, delay } = breakdown;
    const ms = Math.ceil(delay);
    const died = deaths > 1
      ? `${deaths} workers have died in a row`
      : "A worker has died";
    throw new WorkerCrashedError(`${died}, the next one starts in ${ms} ms`, {
      started: false,
    });
  }

  #queueFull(job: string, args: readonly unknown[]): QueueFullError {
    return new QueueFullError(
      `Job "${job}" was refused: the queue is full, its capacity is ${this.#parts.settings.capacity}`,
      { job, args },
    );
  }

  #discarded({ fn: { name } }: Job): JobDiscardedError {
    return new JobDiscardedError(
      `Job "${name}" was discarded for a newer one: the queue is full, its capacity is ${this.#parts.settings.capacity}`,
      { job: name },
    );
  }
}

/** Returns what a job sends back while it runs. */
function comingBack(
  progress: ProgressDeparture | undefined,
  yields: YieldsDeparture | undefined,
): Departing {
  const departing: Departing = [];
  const add = (value: object, kind: Kind) => {
    departing.push({ value, kind, placeholder: {}, data: undefined });
  };
  if (progress) add(progress, "progress");
  if (yields) add(yields, "yields");
  return departing;
}

/** @throws {TypeError} If the arguments or the options of a call have the wrong type */
export function checkCall(
  method: string,
  job: unknown,
  args: unknown,
  options: unknown,
): void {
  if (!Array.isArray(args)) throw notArguments(method, job, args, options);
  if (options !== undefined && !isObject(options)) {
    throw notOptions(method, options);
  }
}

function notArguments(
  method: string,
  job: unknown,
  args: unknown,
  options: unknown,
): TypeError {
  const name = typeof job === "string" ? written(job) : "job";
  const hasOptions = isObject(options);
  const list = hasOptions || options === undefined ? [args] : [args, options];
  const rest = hasOptions ? ", { … }" : "";
  const advice = `${method}(${name}, [${list.map(written).join(", ")}]${rest})`;
  return expected("args", "an array", args, advice);
}

function notOptions(method: string, options: unknown): TypeError {
  const advice = `all arguments into one array, as in ${method}(job, [1, 2])`;
  return expected("options", "an object", options, advice);
}
