// Tells main how jobs have ended: on the board where an ending fits there, and in
// a message where not.

import { deno } from "../values/intrinsics.ts";
import { WAKE } from "../wire/protocol.ts";
import { type ReceivedJob, seqOf } from "./jobs.ts";
import type { Moving } from "./moving.ts";
import type { OwnThread } from "./own_thread.ts";
import type { PostedEndings } from "./posted_endings.ts";

/** What a call that was stopped throws. */
export const STOPPED: unique symbol = Symbol("stopped");

/** Milliseconds that a result waits at most for others to be told of with it, if no job is long. */
const ANNOUNCE_AFTER = 0.25;
/** How many large results may wait for main to read them before the next job starts. */
const MOST_UNREAD = 2;
/** How often the size of the heap is looked at, in ms. */
const WEIGH_EVERY = 50;
const BYTES_PER_MIB = 2 ** 20;

/** The worker's way to main for all endings. */
export class EndingSender {
  readonly #thread: OwnThread;
  /** Loaded late, since most jobs have nothing that moves. */
  moving: Moving | undefined;
  #loadingMoving: Promise<Moving> | undefined;
  /** Loaded late, since most jobs end on the board. */
  #posted: PostedEndings | undefined;
  #loadingPosted: Promise<PostedEndings> | undefined;
  /** Since when there are results on the board of which main has not been told. */
  #unannouncedSince: number | undefined;
  /** When, on main's clock, the size of the heap is looked at again. */
  #weighAt: number;
  readonly #memoryUsage: () => { heapUsed: number };

  constructor(thread: OwnThread) {
    this.#thread = thread;
    this.#weighAt = thread.init.maxHeap === Infinity ? Infinity : 0;
    this.#memoryUsage = deno.memoryUsage;
  }

  /** Loads what moves, and what posts endings. */
  load(): Promise<Moving> {
    return this.#loadingMoving ??= this.#loadMoving();
  }

  async #loadMoving(): Promise<Moving> {
    await this.#loadPosted();
    const { Moving } = await import("./moving.ts");
    return this.moving = new Moving(this.#thread);
  }

  /**
   * Loads what posts endings: bytes and errors need no more. A worker's first one
   * takes 16 ms so, and 28 with what moves.
   */
  #loadPosted(): Promise<PostedEndings> {
    return this.#loadingPosted ??= this.#importPosted();
  }

  async #importPosted(): Promise<PostedEndings> {
    await this.#thread.load?.();
    const { PostedEndings } = await import("./posted_endings.ts");
    return this.#posted = new PostedEndings(this.#thread, this);
  }

  /** Whether main has read large results, but for a few. */
  get mayStartNext(): boolean {
    const large = this.#posted?.large ?? 0;
    // What is read is counted in 32 bits.
    return large === 0 ||
      (large - this.#thread.board.largeRead | 0) < MOST_UNREAD;
  }

  /** Whether main has not been told of them all. */
  get hasUnannounced(): boolean {
    return this.#unannouncedSince !== undefined;
  }

  /**
   * Sends a job's ending, which must have left before the next job starts: that
   * may block the thread, or end it. Gives a promise if it leaves later.
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
    // Main takes results from the board in the order in which it has sent the jobs.
    if (failed || job.isAside || !this.#settle(seq, result)) {
      return this.#post(job, failed, result);
    }
    job.arrivals?.end();
    if (this.#thread.init.concurrency > 1 && this.#thread.init.rings) {
      // Jobs may end in another order than they start.
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
      // At once: main waits for it, and does so only for so long.
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

  /** Tells once if the heap has grown too large. */
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

  /** Wakes main, unless it is about to look anyway. */
  wakeMain(): void {
    this.#unannouncedSince = undefined;
    if (this.moving) this.moving.link.flush();
    else if (this.#thread.board.wake()) this.#thread.post(WAKE);
  }
}
