// The senders of a pool: how many are open, and what becomes of calls that come
// from the pool's own workers when no worker is free.

import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Job } from "../job/job.ts";
import type { Room } from "../job/room.ts";
import type { Settlement } from "../job/settlement.ts";
import { Departures } from "../moving/departures.ts";
import { MOVERS } from "../moving/kinds.ts";
import { type CallOptions, Sender } from "../moving/sender.ts";
import type {
  HostTarget,
  InlineSource,
  Origin,
} from "../moving/sender_host.ts";
import { pack } from "../values/pack.ts";
import { fromText } from "../values/plain_text.ts";
import type { Intake } from "./intake.ts";
import type { Lifetime } from "./lifetime.ts";
import { waitSettings } from "./settings.ts";

/** What they work with. */
export interface SendersParts {
  dispatcher: Dispatcher;
  intake: Intake;
  lifetime: Lifetime;
  room: Room;
  settlement: Settlement;
}

/** What a job of this pool waits for. */
interface Awaited {
  origin: Origin;
  /** A job; else it is room in the queue. */
  job?: Job;
  /** Whether that runs where it is waited for. */
  isLocal?: boolean;
  /** Ends the wait for room. */
  release?: () => void;
}

/** The senders of a pool. */
export class Senders {
  readonly #parts: SendersParts;
  /** What jobs in the pool's own workers wait for. */
  readonly #awaited = new Set<Awaited>();

  constructor(parts: SendersParts) {
    this.#parts = parts;
  }

  /** Makes one. */
  open(): Sender {
    return new Sender(this.#handle());
  }

  #handle(): HostTarget {
    const { intake, lifetime } = this.#parts;
    lifetime.holds++;
    let isOpen = true;
    return {
      execute: (job, args, options) => {
        return intake.accept(job, args, options, true);
      },
      ready: (options) => this.#ready(options && waitSettings(options).signal),
      executeFor: (origin, job, args, options) => {
        return this.#executeFor(origin, job, args, options);
      },
      readyFor: (origin, signal) => this.#readyFor(origin, signal),
      clone: () => this.#handle(),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        lifetime.release();
      },
      discard(result, why) {
        const { departing } = pack(result, "result", { movers: MOVERS });
        new Departures(departing).close(why);
      },
    };
  }

  /** Room is waited for as in `ready()`, but after `close()`, too. */
  async #ready(signal: AbortSignal | undefined): Promise<void> {
    const { lifetime, room } = this.#parts;
    for (;;) {
      if (lifetime.isStopped) throw lifetime.refusal;
      try {
        return await room.wait(signal);
      } catch (error) {
        if (signal?.aborted || lifetime.isStopped) throw error;
        // The pool has been closed meanwhile, which holds for others.
      }
    }
  }

  async #executeFor(
    origin: Origin,
    name: string | InlineSource,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const { dispatcher, intake } = this.#parts;
    const promise = intake.accept(name, args, options, true);
    const job = intake.last;
    if (!dispatcher.workerOf(origin.link)) return await promise;
    return await this.#await({ origin, job }, promise);
  }

  async #readyFor(origin: Origin, signal: AbortSignal): Promise<void> {
    if (!this.#parts.dispatcher.workerOf(origin.link)) {
      return await this.#ready(signal);
    }
    const waiting = new AbortController();
    const released = Promise.withResolvers<void>();
    const release = () => {
      released.resolve();
      waiting.abort();
    };
    const ready = this.#ready(AbortSignal.any([signal, waiting.signal]));
    await this.#await(
      { origin, release },
      Promise.race([released.promise, ready]),
    );
  }

  /** Waits for something, and sees that it comes. */
  async #await<T>(awaited: Awaited, promise: Promise<T>): Promise<T> {
    this.#awaited.add(awaited);
    // Once the dispatcher has sent what it can.
    setTimeout(() => this.#relieve());
    try {
      return await promise;
    } finally {
      this.#awaited.delete(awaited);
      if (awaited.isLocal) this.#relieve();
    }
  }

  /**
   * If the jobs in all workers wait for others, has the oldest of those run where
   * they are waited for, one for each job that waits: they would never start.
   */
  #relieve(): void {
    const { dispatcher } = this.#parts;
    const isBusy = (origin: Origin) => {
      return [...this.#awaited].some((other) => {
        return other.isLocal && other.origin.sender === origin.sender;
      });
    };
    for (const awaited of this.#awaited) {
      const { origin, job, release } = awaited;
      const waiting = [...this.#awaited].map(({ origin }) => origin.link);
      if (!dispatcher.allWait(waiting)) return;
      if (release) release();
      else if (
        !awaited.isLocal && !isBusy(origin) && dispatcher.takeOut(job!)
      ) {
        awaited.isLocal = true;
        this.#runLocally(job!, origin);
      }
    }
  }

  async #runLocally(job: Job, origin: Origin): Promise<void> {
    const { dispatcher, settlement } = this.#parts;
    const { id, fn: { name, source }, args, extras } = job;
    const workerId = dispatcher.workerOf(origin.link)?.id ?? 0;
    const start = performance.now();
    const run = () => ({ workerId, start, end: performance.now() });
    const timer = job.timeout < Infinity
      ? setTimeout(() => settlement.timeOut(job, run()), job.timeout)
      : undefined;
    try {
      const value = await origin.run({
        id,
        name,
        source,
        args: typeof args === "string" ? fromText(args) as unknown[] : args,
        moved: extras?.cargo?.send(origin.link),
      }, extras?.moves ?? []);
      settlement.ended(job, { kind: "value", value }, run());
    } catch (error) {
      settlement.ended(job, { kind: "error", error }, run());
    } finally {
      clearTimeout(timer);
    }
  }
}
