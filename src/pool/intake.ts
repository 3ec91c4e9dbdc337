// Turns a call of `execute()` into a job, and gives it to the dispatcher.

import type { Dispatcher } from "../dispatch/dispatcher.ts";
import {
  JobDiscardedError,
  JobNotFoundError,
  QueueFullError,
  WorkerCrashedError,
} from "../errors.ts";
import { expected, written } from "../expected.ts";
import type { FunctionTable, PoolFunction } from "../job/functions.ts";
import { Job } from "../job/job.ts";
import type { Room } from "../job/room.ts";
import type { Settlement } from "../job/settlement.ts";
import { InlineSource } from "../moving/sender_host.ts";
import type { ExecuteOptions } from "../options.ts";
import type { Lifetime } from "./lifetime.ts";
import { takePayload } from "./payload.ts";
import { executeSettings, type PoolSettings } from "./settings.ts";
import { CoarseClock } from "./coarse_clock.ts";

/** What it works with. */
export interface IntakeParts {
  settings: PoolSettings;
  functions: FunctionTable;
  dispatcher: Dispatcher;
  settlement: Settlement;
  room: Room;
  lifetime: Lifetime;
}

const NO_OPTIONS: Partial<ReturnType<typeof executeSettings>> = {};

/** The way of jobs into a pool. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #clock = new CoarseClock();
  #jobCount = 0;
  /** The job of the last call. */
  last!: Job;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * Takes a job in, and gives the promise of its result. Nothing of a call that
   * is refused has been taken.
   *
   * @param bySender Whether the call comes from a sender, which goes on after `close()`
   *
   * @throws What `execute()` rejects with, if the call is refused
   */
  accept(
    name: unknown,
    args: unknown,
    options: ExecuteOptions | undefined,
    bySender = false,
  ): Promise<unknown> {
    const { settings, dispatcher, settlement, lifetime } = this.#parts;
    if (!Array.isArray(args)) throw notArguments(name, args, options);
    if (options !== undefined && !isObject(options)) throw notOptions(options);
    const { signal, transfer, timeout = settings.timeout } = options
      ? executeSettings(options, settings)
      : NO_OPTIONS;
    const fn = this.#functionOf(name);
    const isRefused = bySender ? lifetime.isStopped : lifetime.refusal;
    if (isRefused) throw lifetime.refusal;
    signal?.throwIfAborted();
    this.#checkBreakdown();
    const { whenFull } = settings;
    const isFull = whenFull !== "wait" && !this.#parts.room.hasRoomFor(1);
    const isHere = isFull && whenFull === "caller-runs";
    const discards = isFull && whenFull === "discard-oldest" &&
      dispatcher.hasWaiting;
    if (isFull && !isHere && !discards) throw this.#queueFull(fn.name, args);

    const payload = takePayload(args, transfer, settings, dispatcher);
    let { extras } = payload;
    if (settings.callerStack) (extras ??= {}).callerStack = stackOfCaller();
    if (signal) (extras ??= {}).signal = signal;
    if (timeout < Infinity) (extras ??= {}).timeout = timeout;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const job = new Job(
      ++this.#jobCount,
      fn,
      payload.args,
      this.#clock.now(),
      extras,
      resolve,
    );
    settlement.add(job);
    // Not before the job is sure to be accepted. The last that waited may have started.
    const discarded = discards ? dispatcher.takeOldest() : undefined;
    // A getter among the arguments may have ended the pool, or aborted the job.
    if (lifetime.isStopped) settlement.fail(job, lifetime.refusal);
    else if (signal?.aborted) settlement.abort(job, signal.reason);
    else if (!isHere || !dispatcher.executeHere(job)) dispatcher.add(job);
    if (discarded) settlement.fail(discarded, this.#discarded(discarded));
    this.last = job;
    return promise;
  }

  #functionOf(job: unknown): PoolFunction {
    const { functions, settings } = this.#parts;
    if (job instanceof InlineSource) {
      return functions.ofSource(job.name, job.source);
    }
    if (typeof job === "function") return functions.inline(job);
    if (typeof job !== "string") {
      throw expected("job", "the name of a job or a function", job);
    }
    if (settings.module !== undefined) return functions.named(job);
    throw new JobNotFoundError(
      `Job "${job}" not found: the pool has no module`,
    );
  }

  /** While workers die one after the other, no job is accepted. */
  #checkBreakdown(): void {
    const { breakdown } = this.#parts.dispatcher;
    if (breakdown === undefined) return;
    const { deaths, delay } = breakdown;
    const ms = Math.ceil(delay);
    throw new WorkerCrashedError(
      `${deaths} workers have died in a row, the next one starts in ${ms} ms`,
      { started: false },
    );
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

function notArguments(
  job: unknown,
  args: unknown,
  options: unknown,
): TypeError {
  const name = typeof job === "string" ? written(job) : "job";
  const hasOptions = isObject(options);
  const list = hasOptions || options === undefined ? [args] : [args, options];
  const rest = hasOptions ? ", { … }" : "";
  const advice = `execute(${name}, [${list.map(written).join(", ")}]${rest})`;
  return expected("args", "an array", args, advice);
}

function notOptions(options: unknown): TypeError {
  const advice = "all arguments into one array, as in execute(job, [1, 2])";
  return expected("options", "an object", options, advice);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function stackOfCaller(): string {
  const lines = new Error().stack?.split("\n") ?? [];
  // Without the message and the frames of the pool itself.
  return lines.slice(4).join("\n");
}
