// Opens the senders of a pool, and resolves deadlocks: jobs in all workers that
// wait for jobs of their own pool.

import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Due } from "../dispatch/due.ts";
import type { PoolWorker } from "../dispatch/worker.ts";
import type { Job } from "../job/job.ts";
import { discard } from "../moving/discard.ts";
import { Sender } from "../moving/sender.ts";
import type { HostTarget, Origin } from "../moving/sender_departure.ts";
import type { PoolParts } from "./parts.ts";
import { waitSettings } from "./settings.ts";

/** Settings of a sender's jobs: the stack of their caller is unknown. */
const BY_SENDER = { bySender: true, callerStack: "" };
const TOO_DEEP =
  "Jobs of one worker wait for each other, and it can hold no more of them";
/** Time in ms between checks of the waiting jobs. */
const LOOK_EVERY = 250;

/** A job, or room in the queue, that a job of this pool waits for. */
interface Awaited {
  origin: Origin;
  /** The awaited job; `undefined` if room in the queue is awaited. */
  job?: Job;
  /** Ends the wait for room. */
  release?: () => void;
}

/** A waiting job of this pool, identified by its sender. */
interface Waiting extends Origin {
  awaited: Set<Awaited>;
  /** Job that runs in its worker alongside it. */
  aside: Job | undefined;
}

export class Senders {
  readonly #parts: PoolParts;
  /** Waiting jobs in the pool's own workers, by their senders. */
  readonly #waiting = new Map<unknown, Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #relief = new Due(() => this.#relieve());

  constructor(parts: PoolParts) {
    this.#parts = parts;
    parts.dispatcher.deadlocks.onKeyFree = () => {
      if (this.#waiting.size > 0) this.#relieveSoon();
    };
  }

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

  /** Waits for room like `ready()`, also after `close()`. */
  async #ready(signal: AbortSignal | undefined): Promise<void> {
    const { lifetime, room } = this.#parts;
    for (;;) {
      if (lifetime.isStopped) throw lifetime.refusal();
      try {
        return await room.wait(signal);
      } catch (error) {
        if (signal?.aborted || lifetime.isStopped) throw error;
        // The pool was closed meanwhile, which does not affect senders.
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

  /** Waits for a promise, and resolves deadlocks meanwhile. */
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

  /** Checks for a deadlock after the dispatcher has sent all jobs that it can. */
  #relieveSoon(): void {
    this.#relief.at(setImmediate);
  }

  /**
   * If the jobs in all workers wait for other jobs, runs one awaited job alongside
   * each waiting job: otherwise, the awaited jobs would never start.
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
    // The number of workers can also shrink.
    this.#timer = setTimeout(() => this.#relieve(), LOOK_EVERY);
  }

  /** Called when a worker can hold no more jobs, and all its jobs wait. */
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
      // The first job of its key goes first, even if another job waits for it.
      const first = job.extras?.turn?.key.line.first?.job ?? job;
      if (!this.#parts.dispatcher.sendAside(first, worker)) continue;
      waiting.aside = first;
      return;
    }
  }
}
