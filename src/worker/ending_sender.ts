// Reports to main how jobs ended: on the board if an ending fits there, and
// otherwise in a message.

import { deno } from "../values/intrinsics.ts";
import { WAKE } from "../wire/protocol.ts";
import { type ReceivedJob, seqOf } from "./jobs.ts";
import type { Moving } from "./moving.ts";
import type { OwnThread } from "./own_thread.ts";
import type { PostedEndings } from "./posted_endings.ts";

/** Thrown by a call that was stopped. */
export const STOPPED: unique symbol = Symbol("stopped");

/** Maximum time in ms that a result waits to be announced together with others, if no job is long. */
const ANNOUNCE_AFTER = 0.25;
/** Number of unread large results at which no further job starts. */
const MOST_UNREAD = 2;
/** Time in ms between two checks of the heap size. */
const WEIGH_EVERY = 50;
const BYTES_PER_MIB = 2 ** 20;

/** Sends all endings of the worker to main. */
export class EndingSender {
  readonly #thread: OwnThread;
  /** Loaded late, because most jobs have nothing that moves. */
  moving: Moving | undefined;
  #loadingMoving: Promise<Moving> | undefined;
  /** Loaded late, because most jobs end on the board. */
  #posted: PostedEndings | undefined;
  #loadingPosted: Promise<PostedEndings> | undefined;
  /** Since when there are results on the board that were not announced to main. */
  #unannouncedSince: number | undefined;
  /** When to check the heap size again, on main's clock. */
  #weighAt: number;
  readonly #memoryUsage: () => { heapUsed: number };

  constructor(thread: OwnThread) {
    this.#thread = thread;
    this.#weighAt = thread.init.maxHeap === Infinity ? Infinity : 0;
    this.#memoryUsage = deno.memoryUsage;
  }

  /** Loads the code that moves values, and the code that posts endings. */
  load(): Promise<Moving> {
    return this.#loadingMoving ??= this.#loadMoving();
  }

  async #loadMoving(): Promise<Moving> {
    await this.#loadPosted();
    const { Moving } = await import("./moving.ts");
    return this.moving = new Moving(this.#thread);
  }

  /**
   * Loads the code that posts endings; bytes and errors need no more. A worker's first
   * posted ending takes 16 ms this way, and 28 ms with the code that moves values.
   */
  #loadPosted(): Promise<PostedEndings> {
    return this.#loadingPosted ??= this.#importPosted();
  }

  async #importPosted(): Promise<PostedEndings> {
    await this.#thread.load?.();
    const { PostedEndings } = await import("./posted_endings.ts");
    return this.#posted = new PostedEndings(this.#thread, this);
  }

  /** Whether main has read all but a few large results. */
  get mayStartNext(): boolean {
    const large = this.#posted?.large ?? 0;
    // The board counts large results that were read in 32 bits.
    return large === 0 ||
      (large - this.#thread.board.largeRead | 0) < MOST_UNREAD;
  }

  /** Whether there are results that were not announced to main. */
  get hasUnannounced(): boolean {
    return this.#unannouncedSince !== undefined;
  }

  /**
   * Sends a job's ending. It must leave before the next job starts, which may block
   * or end the thread. Returns a promise if the ending leaves later.
   */
  end(
    job: ReceivedJob,
    now: number,
    failed: boolean,
    result: unknown,
  ): Promise<void> | undefined {
    const seq = seqOf(job);
    this.#thread.board.setEnd(seq, now);
    if (now >= this.#weighAt) this.#weigh(now);
    // Main reads results from the board in the order in which it sent the jobs.
    if (failed || job.isAside || !this.#settle(seq, result)) {
      return this.#post(job, failed, result);
    }
    job.arrivals?.end();
    if (this.#thread.init.concurrency > 1 && this.#thread.init.rings) {
      // Jobs can end in another order than they start.
      this.moving!.link.tellEnded(seq);
    } else {
      this.#unannouncedSince ??= now;
      if (now - this.#unannouncedSince >= ANNOUNCE_AFTER) this.wakeMain();
    }
  }

  #settle(seq: number, result: unknown): boolean {
    return this.#thread.board.settle(seq, result) ||
      this.#posted?.settle(seq, result) === true;
  }

  #post(
    job: ReceivedJob,
    failed: boolean,
    result: unknown,
  ): Promise<void> | undefined {
    const seq = seqOf(job);
    if (result === STOPPED) {
      // At once, because main waits for this ending only for a short time.
      this.#thread.board.settlePosted(seq);
      this.#thread.post({ kind: "ended", seq, ending: { kind: "timed-out" } });
      job.arrivals?.end();
    } else if (this.#posted === undefined) {
      return this.#postLater(job, failed, result);
    } else {
      this.#thread.board.settlePosted(seq);
      if (!failed) return this.#posted.value(job, result);
      this.#posted.failure(job, result);
    }
  }

  async #postLater(
    job: ReceivedJob,
    failed: boolean,
    result: unknown,
  ): Promise<void> {
    await this.#loadPosted();
    await this.#post(job, failed, result);
  }

  /** Reports once if the heap has grown above its limit. */
  #weigh(now: number): void {
    this.#weighAt = now + WEIGH_EVERY;
    if (
      this.#memoryUsage().heapUsed < this.#thread.init.maxHeap * BYTES_PER_MIB
    ) {
      return;
    }
    this.#weighAt = Infinity;
    this.#thread.post({ kind: "grown" });
  }

  /** Wakes main, unless main will check the board anyway. */
  wakeMain(): void {
    this.#unannouncedSince = undefined;
    if (this.moving) this.moving.link.flush();
    else if (this.#thread.board.wake()) this.#thread.post(WAKE);
  }
}
