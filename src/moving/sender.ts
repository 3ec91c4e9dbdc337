// A handle to a pool: it takes calls, where the pool is or in a job to which it
// has moved.

import { PoolClosedError } from "../errors.ts";

/** How a call is made through a sender. */
export interface CallOptions {
  signal?: AbortSignal;
  transfer?: readonly Transferable[];
}

/** A pool, or the way to it. */
export interface SenderTarget {
  execute(
    job: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown>;
  ready(options: { signal?: AbortSignal } | undefined): Promise<void>;
  /** One more handle to it. */
  clone(): SenderTarget;
  /** One handle fewer. */
  close(): void;
}

/** Marks the senders of all copies of the package. */
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

  // The very promises of the target: it says which rejections nobody has to handle.
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

  /** What is behind a sender; `undefined` if it is closed, or has moved. */
  static targetOf(this: void, sender: Sender): SenderTarget | undefined {
    return sender.#target;
  }

  /** Takes what is behind a sender, which is of no use any more. */
  static take(this: void, sender: Sender): SenderTarget {
    const target = sender.#open();
    sender.#target = undefined;
    sender.#why = "The sender has moved into a job";
    return target;
  }
}

export const { targetOf } = Sender;

/** Whether an object is a sender, of this copy of the package or another one. */
export function isSender(value: object): value is Sender {
  return IS_SENDER in value;
}

/** Why a sender cannot move anywhere, if that is so. */
export function whyStuck(sender: Sender): string | undefined {
  if (!(sender instanceof Sender)) {
    return "belongs to another copy of `@spindle/thread-pool`";
  }
  return targetOf(sender) ? undefined : "is closed, or has moved into a job";
}
