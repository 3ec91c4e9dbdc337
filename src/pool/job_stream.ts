// Reads the values that a generator in a worker yields. The job starts with the
// first read, so an unread stream uses no resources.

import type { Job } from "../job/job.ts";
import { YieldsDeparture } from "../moving/yields.ts";
import type { StreamOptions } from "../options.ts";
import type { Timer } from "../values/clock.ts";
import { checkCall } from "./intake.ts";
import type { JobStream } from "./job_types.ts";
import type { PoolParts } from "./parts.ts";
import { streamSettings } from "./settings.ts";

type Result = IteratorResult<unknown, undefined>;

const DONE: Result = { done: true, value: undefined };

/**
 * Opens the stream of a call.
 *
 * @throws {TypeError | RangeError | JobNotFoundError} If the call is wrong
 */
export function openStream(
  parts: PoolParts,
  job: unknown,
  args: unknown,
  options: StreamOptions | undefined,
): JobStream<unknown> {
  checkCall("stream", job, args, options);
  const { intake, settings } = parts;
  const { window, ...checked } = streamSettings(options, settings);
  intake.functionOf(job, true);
  const yields = new YieldsDeparture(window);
  return new Reader(parts, yields, (resolve) => {
    // The table may have forgotten the function since the first look-up.
    const fn = intake.functionOf(job, true);
    return intake.take(fn, args as unknown[], { ...checked, yields }, resolve);
  }, checked.signal);
}

/** Starts the job of a stream, and passes its outcome to `resolve`. */
type Start = (resolve: (value: unknown) => void) => Job;

/** Reads one stream. */
class Reader implements JobStream<unknown> {
  readonly #parts: PoolParts;
  readonly #yields: YieldsDeparture;
  readonly #start: Start;
  readonly #signal: AbortSignal | undefined;
  #job: Job | undefined;
  /** How the stream ends; `undefined` while that is unknown. */
  #end: { error?: unknown } | undefined;
  /** Whether the reader has read everything, or has left. */
  #isDone = false;
  /** Reads that wait for a value, in order. */
  readonly #waiting: PromiseWithResolvers<Result>[] = [];

  constructor(
    parts: PoolParts,
    yields: YieldsDeparture,
    start: Start,
    signal: AbortSignal | undefined,
  ) {
    this.#parts = parts;
    this.#yields = yields;
    this.#start = start;
    this.#signal = signal;
    yields.whenChanged(() => this.#serve());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#isDone) return Promise.resolve(DONE);
    if (this.#signal?.aborted) this.#aborted(this.#signal);
    if (this.#waiting.length === 0 && this.#yields.hasValue) {
      return this.#taken();
    }
    if (this.#job === undefined && this.#end === undefined) this.#begin();
    const waiter = Promise.withResolvers<Result>();
    this.#waiting.push(waiter);
    this.#serve();
    return waiter.promise;
  }

  /** Drops unread values after an abort, even if the job has ended. */
  #aborted({ reason }: AbortSignal): void {
    this.#yields.drop();
    this.#end = { error: reason };
  }

  #begin(): void {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    promise.then(
      () => this.#ended(this.#yields.failure ?? {}),
      (error) => this.#ended({ error }),
    );
    try {
      this.#job = this.#start(resolve);
    } catch (error) {
      this.#end = { error };
    }
  }

  #ended(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#serve();
  }

  /** Settles waiting reads, as far as values or the end have arrived. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      if (this.#isDone) this.#waiting.shift()!.resolve(DONE);
      else if (this.#yields.hasValue) {
        this.#waiting.shift()!.resolve(this.#taken());
      } else if (this.#end) {
        this.#isDone = true;
        if ("error" in this.#end) {
          this.#waiting.shift()!.reject(this.#end.error);
        }
      } else return;
    }
  }

  /** Returns the next value, which has already arrived. */
  #taken(): Promise<Result> {
    try {
      return Promise.resolve({ done: false, value: this.#yields.take() });
    } catch (error) {
      // The process has written something that is not a list of values.
      this.#leave(error);
      return Promise.reject(error);
    }
  }

  async return(): Promise<Result> {
    this.#leave(new DOMException("The stream's reader has left", "AbortError"));
    if (this.#job) await this.#closed();
    return DONE;
  }

  #leave(reason: unknown): void {
    this.#isDone = true;
    this.#yields.drop();
    if (this.#job && !this.#job.settled) {
      this.#parts.dispatcher.abort(this.#job, reason);
    }
    this.#serve();
  }

  /** Resolves when the generator has ended, or when `abortGrace` is over. */
  async #closed(): Promise<void> {
    const { abortGrace, clock: { timers } } = this.#parts.settings;
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      if (abortGrace < Infinity) {
        timer = timers.setTimeout(resolve, abortGrace);
      }
    });
    await Promise.race([this.#yields.closed, late]);
    timers.clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
