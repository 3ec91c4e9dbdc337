// The pool's end of a sender that has moved into a job: executes the calls that the
// job sends.

import { ThreadPoolError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { packError } from "../values/pack_error.ts";
import { substituteIn } from "../values/objects.ts";
import { unpackError } from "../values/unpack_error.ts";
import { pack, useUpMarks } from "../values/pack.ts";
import { Registry } from "../values/registry.ts";
import { mark } from "../values/thread_state.ts";
import type { Departure, MovingKind } from "./kind.ts";
import { Sender, type SenderTarget, targetOf, whyStuck } from "./sender.ts";
import {
  type MovedSender,
  SenderArrival,
  whyNotThere,
} from "./sender_arrival.ts";
import type { Ended, ToPool, ToSender } from "./sender_wire.ts";
import { Talk } from "./talk.ts";

/** An inline job sent by a worker. */
export class InlineSource {
  constructor(readonly name: string, readonly source: string) {}
}

/** Origin of a call. */
export interface Origin {
  /** The link to the worker that made the call. */
  readonly link: Link;
  /** The sender, which belongs to one job of that worker. */
  readonly sender: { readonly isOpen: boolean };
}

/** A pool, as the target of calls from workers. */
export interface HostTarget extends SenderTarget {
  executeFor(
    origin: Origin,
    job: string | InlineSource,
    args: readonly unknown[],
    options: Record<string, unknown>,
    trace: string | undefined,
  ): Promise<unknown>;
  readyFor(origin: Origin, signal: AbortSignal): Promise<void>;
  /** Releases a result that cannot be sent to its caller. */
  discard(result: unknown, why: unknown): void;
}

/** The entry for senders in the table of kinds. */
export const SENDER: MovingKind<Sender, MovedSender> = {
  whyStays(sender) {
    const why = whyStuck(sender);
    if (why !== undefined) return why;
    return "executeFor" in targetOf(sender)!
      ? undefined
      : "has come with a job, and goes on only with a call through itself";
  },
  depart: (sender) => new SenderDeparture(Sender.take(sender)),
  arrive: (link, moved) => new SenderArrival(link, moved),
};

/** The pool's end of a moved sender. */
class SenderDeparture extends Talk implements Departure<MovedSender> {
  readonly #target: HostTarget;
  /** Abort controllers of the calls in progress. */
  readonly #calls = new Registry<AbortController>();
  #link!: Link;

  constructor(target: SenderTarget) {
    super({
      heard: (message) => this.#heard(message as ToPool),
      ended: () => this.#target.close(),
    });
    this.#target = target as HostTarget;
  }

  send(link: Link): MovedSender {
    this.#link = link;
    return { kind: "sender", id: this.open(link) };
  }

  /** Closes the sender. Its jobs continue. */
  override close(): void {
    if (!this.isOpen) return;
    this.leave();
    this.#target.close();
  }

  #heard(message: ToPool): void {
    const { id } = message;
    switch (message.kind) {
      case "call":
        return this.#call(message);
      case "ready":
        this.#answer(id, (origin, signal) => {
          return this.#target.readyFor(origin, signal);
        });
        return;
      case "abort":
        return this.#calls.get(id)?.abort(unpackError(message.reason));
    }
  }

  #call(call: Extract<ToPool, { kind: "call" }>): void {
    const { name, source, senders, options, moves } = call;
    const clones = senders.map(() => new Sender(this.#target.clone()));
    const revived = new Map<object, unknown>(
      senders.map((placeholder, i) => [placeholder, clones[i]]),
    );
    const args = substituteIn(call.args, revived) as unknown[];
    // No code in this thread uses the arguments, so everything in them moves on.
    if (moves) mark(args, "everything");
    const job = source === undefined ? name : new InlineSource(name, source);
    this.#answer(call.id, async (origin, signal) => {
      const all = { ...options, signal };
      try {
        return await this.#target.executeFor(
          origin,
          job,
          args,
          all,
          call.trace,
        );
      } finally {
        // If the call was refused, the clones have not moved.
        for (const clone of clones) clone.close();
      }
    });
  }

  /** Does what the worker asks, and sends the outcome. */
  async #answer(
    id: number,
    ask: (origin: Origin, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(id, controller);
    const origin: Origin = { link: this.#link, sender: this };
    let ended: Ended;
    let moves: Transferable[] = [];
    try {
      const value = await ask(origin, controller.signal);
      ({ ended, moves } = this.#pack(value));
    } catch (error) {
      const own = error instanceof ThreadPoolError ? error.name : undefined;
      ended = { error: packError(error), own };
    }
    this.#calls.delete(id);
    const answer: ToSender = { id, ended };
    if (this.isOpen) this.say(answer, moves);
  }

  #pack(value: unknown): { ended: Ended; moves: Transferable[] } {
    try {
      // No code in this thread uses the result, so everything in it moves on.
      if (typeof value === "object" && value !== null) {
        mark(value, "everything");
      }
      const packed = pack(value, "result", { whyStays: whyNotThere });
      const { value: copy, moves } = useUpMarks(packed);
      return { ended: { value: copy }, moves };
    } catch (error) {
      this.#target.discard(value, error);
      throw error;
    }
  }
}
