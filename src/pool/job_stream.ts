// What a generator in a worker yields, read in this thread. The job starts when the
// first value is asked for, so that a stream which nobody reads takes nothing.

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
 * Makes the stream of a call.
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
    // Functions without jobs are forgotten after a while.
    const fn = intake.functionOf(job, true);
    return intake.take(fn, args as unknown[], { ...checked, yields }, resolve);
  }, checked.signal);
}

/** Starts the job of a stream; gives its end to `resolve`. */
type Start = (resolve: (value: unknown) => void) => Job;

/** Reads one stream. */
class Reader implements JobStream<unknown> {
  readonly #parts: PoolParts;
  readonly #yields: YieldsDeparture;
  readonly #start: Start;
  readonly #signal: AbortSignal | undefined;
  #job: Job | undefined;
  /** How the job has ended, if it has. */
  #end: { error?: unknown } | undefined;
  /** Whether the reader has got, or wants, nothing more. */
  #isDone = false;
  /** Those who wait for a value, in order. */
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

  /** Who aborts wants no more values, whether or not the job has ended. */
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

  /** Gives those who wait what is there. */
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

  /** The next value, which is here. */
  #taken(): Promise<Result> {
    try {
      return Promise.resolve({ done: false, value: this.#yields.take() });
    } catch (error) {
      // What a process has written is no value.
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

  /** Resolves when the generator has ended, or has had the time to. */
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
