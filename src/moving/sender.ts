// The handle to a pool: accepts calls in the pool's thread, or in a job to which it has
// moved.

import { PoolClosedError } from "../errors.ts";

/** Options of a call through a sender. */
export interface CallOptions {
  signal?: AbortSignal;
  transfer?: readonly Transferable[];
}

/** A pool, or a connection to one. */
export interface SenderTarget {
  execute(
    job: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown>;
  ready(options: { signal?: AbortSignal } | undefined): Promise<void>;
  /** Opens another handle to the pool. */
  clone(): SenderTarget;
  /** Closes this handle. */
  close(): void;
}

/** Property of the senders of all copies of the package. */
const IS_SENDER = Symbol.for("@spindle/thread-pool/sender");

/** A handle to a pool, without the types of its jobs. */
export class Sender {
  #target: SenderTarget | undefined;
  #why = "The sender is closed";

  constructor(target: SenderTarget) {
    this.#target = target;
  }

  get [Symbol.toStringTag](): string {
    return "Sender";
  }

  get [IS_SENDER](): true {
    return true;
  }

  // Returns the target's own promises: it decides which rejections need no handler.
  execute(
    job: unknown,
    args: readonly unknown[] = [],
    options?: CallOptions,
  ): Promise<unknown> {
    try {
      return this.#open().execute(job, args, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  ready(options?: { signal?: AbortSignal }): Promise<void> {
    try {
      return this.#open().ready(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  clone(): Sender {
    return new Sender(this.#open().clone());
  }

  close(): void {
    this.#target?.close();
    this.#target = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): SenderTarget {
    if (this.#target) return this.#target;
    throw new PoolClosedError(this.#why);
  }

  /** Returns the target of a sender, or `undefined` if it is closed or has moved. */
  static targetOf(this: void, sender: Sender): SenderTarget | undefined {
    return sender.#target;
  }

  /** Takes the target of a sender, which can no longer be used. */
  static take(this: void, sender: Sender): SenderTarget {
    const target = sender.#open();
    sender.#target = undefined;
    sender.#why = "The sender has moved into a job";
    return target;
  }
}

export const { targetOf } = Sender;

/** Returns whether an object is a sender, of any copy of the package. */
export function isSender(value: object): value is Sender {
  return IS_SENDER in value;
}

/** Returns why a sender cannot move, or `undefined` if it can. */
export function whyStuck(sender: Sender): string | undefined {
  if (!(sender instanceof Sender)) {
    return "belongs to another copy of `@spindle/thread-pool`";
  }
  return targetOf(sender) ? undefined : "is closed, or has moved into a job";
}
