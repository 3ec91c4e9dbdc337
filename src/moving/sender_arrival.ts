// The worker's end of a sender: sends its calls to the pool, and closes when its job
// ends.

import * as errors from "../errors.ts";
import { expected } from "../expected.ts";
import type { Link } from "../flow/link.ts";
import { type Kind, type Movers, NO_MOVERS } from "../values/departing.ts";
import { AbortWatch } from "../values/abort_watch.ts";
import { functionNameOf } from "../values/names.ts";
import { packError } from "../values/pack_error.ts";
import { unpackError } from "../values/unpack_error.ts";
import { pack, take } from "../values/pack.ts";
import { Registry } from "../values/registry.ts";
import { traceReader } from "../values/trace.ts";
import type { Arrival, Moved } from "./kind.ts";
import { kindOf } from "./kind_of.ts";
import {
  type CallOptions,
  isSender,
  Sender,
  type SenderTarget,
  targetOf,
  whyStuck,
} from "./sender.ts";
import type { Ended, ToPool, ToSender } from "./sender_wire.ts";
import { Talk } from "./talk.ts";

/** Description of a moved sender. */
export interface MovedSender extends Moved {
  kind: "sender";
  id: number;
}

/** A call in progress. */
interface Call {
  promise: Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  signal: AbortSignal | undefined;
}

/** The worker's end of a sender. */
export class SenderArrival extends Talk implements Arrival {
  readonly value: Sender;
  readonly #calls = new Registry<Call>();
  readonly #aborts = new AbortWatch<number>((id, reason) => {
    this.#abort(id, reason);
  });
  readonly #traceNow = traceReader();
  #lastId = 0;
  /** Number of open handles in this worker. */
  #handles = 0;
  #why = "The sender is closed";

  constructor(link: Link, { id }: MovedSender) {
    super({
      heard: (message) => this.#heard(message as ToSender),
      ended: () => this.#refuse("The sender's pool is gone"),
    });
    this.join(link, id);
    this.value = new Sender(this.#handle());
  }

  /** Closes the sender, because its job has ended. */
  end(): void {
    this.#close("The job to which the sender has moved has ended");
  }

  #handle(): SenderTarget {
    this.#handles++;
    const handle: SenderTarget = {
      execute: (job, args, options) => this.#execute(job, args, options),
      ready: (options) => {
        return this.#ask({ kind: "ready" }, [], options?.signal) as Promise<
          void
        >;
      },
      clone: () => this.#handle(),
      close: () => {
        this.#handles--;
        this.#closeIfDone();
      },
    };
    this.#own.add(handle);
    return handle;
  }

  /** Handles of this sender, which can be arguments of its calls. */
  readonly #own = new WeakSet<SenderTarget>();

  #execute(
    job: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown> {
    if (typeof job !== "string" && typeof job !== "function") {
      throw expected("job", "the name of a job or a function", job);
    }
    const { signal, transfer, ...rest } = options ?? {};
    if ("onProgress" in rest) {
      throw new TypeError(
        "Option `onProgress` cannot go through a sender that has moved",
      );
    }
    const others = pack(rest, "options").value;
    const packed = pack(args, "args", {
      transfer,
      movers: this.#movers,
      whyStays: whyNotThere,
    });
    // After all getters have run, because a refused call must move nothing.
    this.#check(signal);
    const { value, moves, departing } = take(packed);
    const call = {
      kind: "call" as const,
      name: typeof job === "string" ? job : functionNameOf(job) || "inline",
      source: typeof job === "string" ? undefined : String(job),
      args: value,
      senders: departing.map(({ placeholder }) => placeholder),
      options: others,
      trace: this.#traceNow?.(),
      moves: moves.length > 0,
    };
    const ended = this.#ask(call, moves, signal);
    // The pool opens its own handles for the senders in the arguments.
    for (const { value } of departing) {
      Sender.take(value as Sender).close();
    }
    return ended;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (!this.isOpen) throw new errors.PoolClosedError(this.#why);
  }

  readonly #movers: Movers = {
    ...NO_MOVERS,
    kindOf: (value): Kind | undefined => {
      return isSender(value) ? "sender" : undefined;
    },
    whyStays: (value) => {
      const why = whyStuck(value as Sender);
      if (why !== undefined) return why;
      return this.#own.has(targetOf(value as Sender)!)
        ? undefined
        : "belongs to another pool, or to another job";
    },
  };

  /** Sends a message that the pool answers. Returns the answer. */
  #ask(
    asked: Omit<Extract<ToPool, { kind: "call" }>, "id"> | { kind: "ready" },
    moves: Transferable[],
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    this.#check(signal);
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#calls.set(id, { ...answer, signal });
    if (signal) this.#aborts.add(signal, id, id);
    this.say({ ...asked, id } as ToPool, moves);
    return answer.promise;
  }

  #abort(id: number, thrown: unknown): void {
    this.say({ kind: "abort", id, reason: packError(thrown) });
    this.#settle(id, (call) => call.reject(thrown));
  }

  #settle(id: number, how: (call: Call) => void): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (call.signal) this.#aborts.remove(call.signal, id);
    how(call);
    this.#closeIfDone();
  }

  #heard({ id, ended }: ToSender): void {
    this.#settle(id, (call) => {
      if ("error" in ended) call.reject(errorOf(ended));
      else call.resolve(ended.value);
    });
  }

  /** Closes the sender, unless a handle is open or a call is in progress. */
  #closeIfDone(): void {
    if (this.#handles > 0 || this.#calls.size > 0) return;
    this.#close("The sender is closed");
  }

  #close(why: string): void {
    if (!this.isOpen) return;
    super.close();
    this.#refuse(why);
  }

  /** Rejects later calls and calls in progress. */
  #refuse(why: string): void {
    this.#why = why;
    const error = new errors.PoolClosedError(why);
    for (const id of this.#calls.numbers()) {
      this.#settle(id, ({ promise, reject }) => {
        // The job may not await this call, so the rejection needs no handler.
        promise.catch(() => {});
        reject(error);
      });
    }
  }
}

/** Returns the error of a call. An error of the pool gets its class back. */
function errorOf({ error, own }: Extract<Ended, { error: unknown }>): unknown {
  const thrown = unpackError(error);
  const classes = errors as unknown as Record<string, { prototype: object }>;
  if (own && thrown instanceof Error && Object.hasOwn(classes, own)) {
    Object.setPrototypeOf(thrown, classes[own].prototype);
  }
  return thrown;
}

/** Returns why a value cannot go through a sender, or `undefined` if it can. */
export function whyNotThere(value: object): string | undefined {
  const kind = kindOf(value);
  if (kind === undefined || kind === "sender" || kind === "value") return;
  return "cannot go through a sender";
}
