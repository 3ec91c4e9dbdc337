// The life of a pool: whether it accepts jobs, and how it ends.

import { clearTimeout, setTimeout } from "node:timers";
import { PoolClosedError, PoolTerminatedError } from "../errors.ts";
import { Waiters } from "../job/waiters.ts";
import type { PoolParts } from "./parts.ts";

/** Time in ms without jobs before a pool lets its process end, so jobs in sequence cost nothing extra. */
const REST_AFTER = 20;

/** Phase of a pool's life. `terminate()` goes to `"stopped"` at once. */
type Phase =
  | "open"
  /** The pool refuses new jobs, except from its senders. */
  | "closed"
  /** The workers run their `onStop()` callbacks. */
  | "retiring"
  /** Jobs that have not ended are rejected, and will not run. */
  | "stopped"
  /** The workers are gone. */
  | "gone";

/** A map, which submits jobs over time and is notified of changes. */
export interface Giver {
  /** Called when the pool starts to refuse new jobs. */
  refused(): void;
  /** Called when the pool has been resized. */
  resized(): void;
}

/** Keeps the phase of a pool, and settles the promises that wait for a phase. */
export class Lifetime {
  readonly #parts: Omit<PoolParts, "lifetime" | "intake">;
  readonly #drains = new Waiters();
  readonly #ends = new Waiters();
  readonly #starts = new Waiters();
  /** The maps that are running. */
  readonly givers = new Set<Giver>();
  #phase: Phase = "open";
  /** Creates the error for refused jobs, from `"closed"` on. */
  #refusal: (() => Error) | undefined;
  #openSenders = 0;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Omit<PoolParts, "lifetime" | "intake">) {
    this.#parts = parts;
    const { signal } = parts.settings;
    if (signal?.aborted) this.terminate(signal.reason);
    else signal?.addEventListener("abort", this.#onSignal);
  }

  readonly #onSignal = (): void => {
    this.terminate(this.#parts.settings.signal!.reason);
  };

  /** Whether the pool has stopped, so that accepted jobs no longer run. */
  get isStopped(): boolean {
    return this.#phase === "stopped" || this.#phase === "gone";
  }

  /** Whether the pool is ending or has ended. A closed pool with open senders is not. */
  get #isEnding(): boolean {
    return this.isStopped || this.refuses && this.#openSenders === 0;
  }

  /** Whether new jobs are refused. */
  get refuses(): boolean {
    return this.#refusal !== undefined;
  }

  /** Returns the error for refused jobs. */
  refusal(): Error {
    return this.#refusal!();
  }

  throwIfRefusing(): void {
    if (this.refuses) throw this.refusal();
  }

  /** Resolves when all jobs have ended. */
  drained(signal?: AbortSignal): Promise<void> {
    if (this.#parts.settlement.waiting > 0) return this.#drains.wait(signal);
    signal?.throwIfAborted();
    return Promise.resolve();
  }

  /** Resolves when the pool has ended. */
  ended(signal?: AbortSignal): Promise<void> {
    if (this.#phase !== "gone") return this.#ends.wait(signal);
    signal?.throwIfAborted();
    return Promise.resolve();
  }

  /** Refuses new jobs, and ends the pool after the last accepted job. */
  close(): void {
    if (this.#phase !== "open") return;
    this.#phase = "closed";
    this.#refuse(() => new PoolClosedError("The pool is closed"));
    this.#endIfDone();
  }

  /** Counts an open sender, which `close()` waits for. Returns a function that closes it. */
  openSender(): () => void {
    this.#openSenders++;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#openSenders--;
      this.#endIfDone();
    };
  }

  /** Notifies the maps that the pool has been resized. */
  resized(): void {
    for (const giver of this.givers) queueMicrotask(() => giver.resized());
  }

  #endIfDone(): void {
    if (this.#phase !== "closed" || this.#openSenders > 0) return;
    if (this.#parts.settlement.waiting === 0) this.#end();
  }

  /** Ends all workers, after their `onStop()` callbacks. */
  #end(): void {
    this.#phase = "retiring";
    const refusal = this.#refusal!;
    const retired = this.#parts.dispatcher.scaling.retire();
    if (retired) retired.then(() => this.stop(refusal));
    else this.stop(refusal);
  }

  /** Resolves when enough workers are ready for the pool to count as started. */
  async started(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.throwIfRefusing();
    if (!this.#parts.dispatcher.scaling.start()) return;
    try {
      await this.#starts.wait(signal);
    } finally {
      if (this.#starts.length === 0) this.onEmpty();
    }
  }

  /** Settles `started()`: enough workers are ready. */
  onStarted(): void {
    this.#starts.release();
  }

  terminate(cause: unknown): void {
    this.stop(() =>
      new PoolTerminatedError("The pool is terminated", { cause })
    );
  }

  /** Ends all workers, rejects all jobs that have not ended, and refuses new jobs. */
  stop(refusal: () => Error): void {
    if (this.isStopped) return;
    this.#phase = "stopped";
    clearTimeout(this.#restTimer);
    const { dispatcher, settings: { signal } } = this.#parts;
    signal?.removeEventListener("abort", this.#onSignal);
    this.#refuse(refusal);
    const gone = dispatcher.stop(refusal);
    // Callers of `drain()` do not wait for streams any more.
    this.#drains.release();
    const end = () => {
      this.#phase = "gone";
      this.#ends.release();
    };
    if (gone) gone.then(end);
    else end();
  }

  /** Called when all promises have settled. */
  onDrained(): void {
    this.onEmpty();
    this.#drains.release();
    this.#parts.events.emitNow("drain", undefined);
    this.#endIfDone();
  }

  /** Called when no job is left: lets the process end if no job follows soon. */
  onEmpty(): void {
    if (this.#isEnding) return;
    // A test with fake time must not see a timer of the pool.
    if (this.#parts.settings.onCallerThread) return this.#rest();
    this.#restTimer ??= setTimeout(() => {
      this.#restTimer = undefined;
      this.#rest();
    }, REST_AFTER);
  }

  #rest(): void {
    const { dispatcher, settlement, room } = this.#parts;
    const isEmpty = settlement.waiting === 0 && room.isEmpty;
    if (!isEmpty || this.#starts.length > 0 || this.#isEnding) return;
    dispatcher.keepProcess(false);
  }

  /** Refuses new jobs, and callers that wait for room or for the start, from now on. */
  #refuse(refusal: () => Error): void {
    this.#refusal = refusal;
    this.#parts.room.refuse(refusal);
    this.#starts.refuse(refusal);
    // These callbacks can run user code.
    for (const giver of this.givers) queueMicrotask(() => giver.refused());
  }
}
