// The senders of a pool: how many are open, and what becomes of calls that come
// from the pool's own workers when no worker is free.

import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Due } from "../dispatch/due.ts";
import type { PoolWorker } from "../dispatch/worker.ts";
import type { Job } from "../job/job.ts";
import { discard } from "../moving/discard.ts";
import { Sender } from "../moving/sender.ts";
import type { HostTarget, Origin } from "../moving/sender_departure.ts";
import type { PoolParts } from "./parts.ts";
import { waitSettings } from "./settings.ts";

/** How the jobs of a sender differ; their caller is elsewhere. */
const BY_SENDER = { bySender: true, callerStack: "" };
const TOO_DEEP =
  "Jobs of one worker wait for each other, and it can hold no more of them";
/** How often those that wait are looked at, in ms. */
const LOOK_EVERY = 250;

/** What a job of this pool waits for. */
interface Awaited {
  origin: Origin;
  /** A job; else it is room in the queue. */
  job?: Job;
  /** Ends the wait for room. */
  release?: () => void;
}

/** A job of this pool that waits, by its sender. */
interface Waiting extends Origin {
  awaited: Set<Awaited>;
  /** What runs in its worker meanwhile. */
  aside: Job | undefined;
}

/** The senders of a pool. */
export class Senders {
  readonly #parts: PoolParts;
  /** The jobs in the pool's own workers that wait, by their senders. */
  readonly #waiting = new Map<unknown, Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #relief = new Due(() => this.#relieve());

  constructor(parts: PoolParts) {
    this.#parts = parts;
    parts.dispatcher.deadlocks.onKeyFree = () => {
      if (this.#waiting.size > 0) this.#relieveSoon();
    };
  }

  /** Makes one. */
  open(): Sender {
    return new Sender(this.#handle());
  }

  #handle(): HostTarget {
    const { dispatcher: { deadlocks }, intake, lifetime } = this.#parts;
    return {
      execute: (job, args, options) => {
        return intake.accept(job, args, options, BY_SENDER).promise;
      },
      ready: (options) => this.#ready(options && waitSettings(options).signal),
      executeFor: async (origin, name, args, options, trace) => {
        const more = { ...BY_SENDER, trace };
        const { job, promise } = intake.accept(name, args, options, more);
        if (!deadlocks.workerOf(origin.link)) return await promise;
        return await this.#await({ origin, job }, promise);
      },
      readyFor: (origin, signal) => this.#readyFor(origin, signal),
      clone: () => this.#handle(),
      close: lifetime.openSender(),
      discard,
    };
  }

  /** Room is waited for as in `ready()`, but after `close()`, too. */
  async #ready(signal: AbortSignal | undefined): Promise<void> {
    const { lifetime, room } = this.#parts;
    for (;;) {
      if (lifetime.isStopped) throw lifetime.refusal();
      try {
        return await room.wait(signal);
      } catch (error) {
        if (signal?.aborted || lifetime.isStopped) throw error;
        // The pool has been closed meanwhile, which holds for others.
      }
    }
  }

  async #readyFor(origin: Origin, signal: AbortSignal): Promise<void> {
    const { dispatcher, room } = this.#parts;
    const isOwn = dispatcher.deadlocks.workerOf(origin.link) !== undefined;
    if (!isOwn || room.hasRoomFor(1)) return await this.#ready(signal);
    const waiting = new AbortController();
    const released = Promise.withResolvers<void>();
    const release = () => {
      released.resolve();
      waiting.abort();
    };
    const ready = this.#ready(AbortSignal.any([signal, waiting.signal]));
    const first = Promise.race([released.promise, ready]);
    await this.#await({ origin, release }, first);
  }

  /** Waits for something, and sees that it comes. */
  async #await<T>(
    awaited: Awaited,
    promise: Promise<T>,
  ): Promise<T> {
    const { sender, link } = awaited.origin;
    let waiting = this.#waiting.get(sender);
    if (waiting === undefined) {
      waiting = { sender, link, awaited: new Set(), aside: undefined };
      this.#waiting.set(sender, waiting);
    }
    waiting.awaited.add(awaited);
    this.#relieveSoon();
    try {
      return await promise;
    } finally {
      waiting.awaited.delete(awaited);
      if (waiting.awaited.size === 0) this.#waiting.delete(sender);
      if (this.#waiting.size === 0) clearTimeout(this.#timer);
      else if (waiting.aside === awaited.job) this.#relieveSoon();
    }
  }

  /** Relieves those that wait, once the dispatcher has sent what it can. */
  #relieveSoon(): void {
    this.#relief.at(setImmediate);
  }

  /**
   * If the jobs in all workers wait for others, has some of those run beside the ones
   * that wait, one for each: they would never start.
   */
  #relieve(): void {
    const { dispatcher: { deadlocks } } = this.#parts;
    const all: [Waiting, PoolWorker][] = [];
    for (const waiting of this.#waiting.values()) {
      const worker = deadlocks.workerOf(waiting.link);
      if (worker === undefined || !waiting.sender.isOpen) continue;
      if (waiting.aside?.worker !== worker) waiting.aside = undefined;
      all.push([waiting, worker]);
    }
    if (deadlocks.isDeadlock(all.map(([waiting]) => waiting))) {
      for (const [waiting, worker] of all) {
        if (waiting.aside) continue;
        const waitThere = () => all.filter(([, other]) => other === worker);
        const isStuck = worker.jobs.room === 0 &&
          waitThere().length >= worker.jobs.length;
        if (isStuck) this.#refuse(waiting);
        else this.#relieveOne(waiting, worker);
      }
    }
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    // Workers may become fewer, too.
    this.#timer = setTimeout(() => this.#relieve(), LOOK_EVERY);
  }

  /** A worker can hold no more jobs, and all of them wait. */
  #refuse({ awaited }: Waiting): void {
    const { dispatcher, settlement } = this.#parts;
    for (const { job, release } of awaited) {
      if (job === undefined) release!();
      else if (dispatcher.takeOut(job)) {
        settlement.fail(job, new RangeError(TOO_DEEP));
      }
    }
  }

  #relieveOne(waiting: Waiting, worker: PoolWorker): void {
    for (const { job, release } of waiting.awaited) {
      if (job === undefined) {
        release!();
        continue;
      }
      // Before it comes the first job of its key, whoever waits for that.
      const first = job.extras?.turn?.key.line.first?.job ?? job;
      if (!this.#parts.dispatcher.sendAside(first, worker)) continue;
      waiting.aside = first;
      return;
    }
  }
}
