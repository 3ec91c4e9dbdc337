// Whether a pool takes jobs, and its way to the end: closed, stopped, gone.

import { clearTimeout, setTimeout } from "node:timers";
import { PoolClosedError, PoolTerminatedError } from "../errors.ts";
import { Waiters } from "../job/waiters.ts";
import type { PoolParts } from "./parts.ts";

/** Milliseconds without jobs after which a pool lets its process end, so that jobs one after the other cost nothing. */
const REST_AFTER = 20;

/** How far a pool is. `terminate()` goes to `"stopped"` at once. */
type Phase =
  | "open"
  /** It refuses new jobs but those of its senders. */
  | "closed"
  /** Its workers run what `onStop()` was given. */
  | "retiring"
  /** What has not ended is rejected, and will not run. */
  | "stopped"
  /** Its workers are gone. */
  | "gone";

/** Somebody who goes on giving jobs to a pool, and hears of it. */
export interface Giver {
  /** It takes no more of them. */
  refused(): void;
  /** It has another size. */
  resized(): void;
}

/** The life of a pool. */
export class Lifetime {
  readonly #parts: Omit<PoolParts, "lifetime" | "intake">;
  readonly #drains = new Waiters();
  readonly #ends = new Waiters();
  readonly #starts = new Waiters();
  /** Those who go on giving jobs to the pool. */
  readonly givers = new Set<Giver>();
  #phase: Phase = "open";
  /** Makes what new jobs are refused with, from `"closed"` on. */
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

  /** Whether jobs that were accepted will not run any more. */
  get isStopped(): boolean {
    return this.#phase === "stopped" || this.#phase === "gone";
  }

  /** Whether it ends, or has: senders that are open may still give jobs to a closed pool. */
  get #isEnding(): boolean {
    return this.isStopped || this.refuses && this.#openSenders === 0;
  }

  /** Whether new jobs are refused. */
  get refuses(): boolean {
    return this.#refusal !== undefined;
  }

  /** What they are refused with. */
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

  /** Takes no more jobs, and ends with the last one. */
  close(): void {
    if (this.#phase !== "open") return;
    this.#phase = "closed";
    this.#refuse(() => new PoolClosedError("The pool is closed"));
    this.#endIfDone();
  }

  /** Opens a sender, for which `close()` waits; gives what closes it. */
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

  /** The pool has another size. */
  resized(): void {
    for (const giver of this.givers) queueMicrotask(() => giver.resized());
  }

  #endIfDone(): void {
    if (this.#phase !== "closed" || this.#openSenders > 0) return;
    if (this.#parts.settlement.waiting === 0) this.#end();
  }

  /** Ends all workers, which first do what their jobs want done then. */
  #end(): void {
    this.#phase = "retiring";
    const refusal = this.#refusal!;
    const retired = this.#parts.dispatcher.scaling.retire();
    if (retired) retired.then(() => this.stop(refusal));
    else this.stop(refusal);
  }

  /** Resolves when the workers are ready with which the pool counts as started. */
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

  /** They are ready. */
  onStarted(): void {
    this.#starts.release();
  }

  /** Ends now. */
  terminate(cause: unknown): void {
    this.stop(() =>
      new PoolTerminatedError("The pool is terminated", { cause })
    );
  }

  /** Ends all workers, rejects what has not ended, and takes nothing more. */
  stop(refusal: () => Error): void {
    if (this.isStopped) return;
    this.#phase = "stopped";
    clearTimeout(this.#restTimer);
    const { dispatcher, settings: { signal } } = this.#parts;
    signal?.removeEventListener("abort", this.#onSignal);
    this.#refuse(refusal);
    const gone = dispatcher.stop(refusal);
    // A stream that still ends somewhere is not waited for any more.
    this.#drains.release();
    const end = () => {
      this.#phase = "gone";
      this.#ends.release();
    };
    if (gone) gone.then(end);
    else end();
  }

  /** All promises have settled. */
  onDrained(): void {
    this.onEmpty();
    this.#drains.release();
    this.#parts.events.emitNow("drain", undefined);
    this.#endIfDone();
  }

  /** No job is left: lets the process end, if none comes in a moment. */
  onEmpty(): void {
    if (this.#isEnding) return;
    // A test that fakes the time sees no timer of the pool's.
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

  /** From now on new jobs, and those who wait for room, are refused. */
  #refuse(refusal: () => Error): void {
    this.#refusal = refusal;
    this.#parts.room.refuse(refusal);
    this.#starts.refuse(refusal);
    // What they do then may be the user's code.
    for (const giver of this.givers) queueMicrotask(() => giver.refused());
  }
}
