// Reads what comes from one worker: its messages, and its results in shared
// memory. Jobs that have ended leave through `Endings`.

import type { Link } from "../flow/link.ts";
import type { Job } from "../job/job.ts";
import { type Outcome, outcomeOf } from "../job/outcome.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { MovedList } from "../moving/kind.ts";
import { responseOf } from "../moving/response_text.ts";
import { unpackError } from "../values/unpack_error.ts";
import { type Board, State } from "../wire/board.ts";
import { type Ending, type FromWorker, WAKE } from "../wire/protocol.ts";
import type { PoolWorker, WorkerParts } from "./worker.ts";

/** Reads for one worker. */
export class Inbox {
  readonly #worker: PoolWorker;
  readonly #board: Board;
  readonly #link: Link;
  readonly #parts: WorkerParts;
  /** Whether reading from the worker has failed. */
  #isBroken = false;

  constructor(
    worker: PoolWorker,
    board: Board,
    link: Link,
    parts: WorkerParts,
  ) {
    this.#worker = worker;
    this.#board = board;
    this.#link = link;
    this.#parts = parts;
    link.onEnded = (seq) => this.settleOnBoard(worker.jobs.get(seq));
  }

  /** Reads from the worker, where a job can have damaged anything. */
  #trust(read: () => void): void {
    if (this.#isBroken) return;
    try {
      read();
    } catch (cause) {
      this.#isBroken = true;
      const error = "What the worker has written cannot be read";
      this.#parts.died(this.#worker, new Error(error, { cause }));
    }
  }

  /** Handles a message. */
  receive(message: FromWorker): void {
    this.#trust(() => {
      this.#worker.stall.over();
      this.#worker.jobs.messages++;
      this.#take(message);
      this.#board.awake();
      this.#parts.heard(this.#worker);
    });
  }

  #take(message: FromWorker): void {
    if (message === WAKE) return;
    if (Array.isArray(message)) {
      const [seq, value, isLarge] = message as [number, unknown, boolean?];
      this.#settlePosted(seq, { kind: "value", value, isLarge });
    } else if (message.kind === "flow") this.#link.receive(message.events);
    else if (message.kind === "grown") this.#worker.isRetired = true;
    else if (message.kind === "stopped") this.#worker.hasStopped = true;
    else if (message.kind === "stop-failed") {
      const { events } = this.#parts;
      const error = unpackError(message.error);
      events.emit("workererror", { workerId: this.#worker.id, error });
    } else if (message.kind === "ended") {
      // Data that the job wrote before it ended comes first.
      this.#link.read();
      this.#settlePosted(message.seq, message.ending);
    }
  }

  #settlePosted(seq: number, ending: Ending): void {
    const job = this.#worker.jobs.get(seq);
    // If this throws, the job stays in flight, and is lost with its worker.
    let outcome = outcomeOf(ending);
    if (job) this.#worker.jobs.remove(job);
    let streams: Arrivals | undefined;
    if (ending.kind === "value") {
      if (ending.moved) {
        streams = new Arrivals();
        outcome = this.#revive(ending.value, ending.moved, streams);
      }
      if (ending.isLarge) {
        this.#board.hasRead();
        // The worker may be waiting for this before its next job.
        if (this.#worker.jobs.length > 0) this.#worker.wake();
      }
    }
    if (job === undefined) {
      // Main had given up the job, so nothing reads its result.
      streams?.end();
      return this.#worker.lost.hear(seq);
    }
    const [start, end] = [this.#board.start(seq), this.#board.end(seq)];
    const { endings } = this.#parts;
    endings.ended(this.#worker, job, outcome, start, end, streams);
  }

  /** Builds the moved values of a result. */
  #revive(value: unknown, moved: MovedList, streams: Arrivals): Outcome {
    try {
      return { kind: "value", value: streams.revive(value, moved, this.#link) };
    } catch (error) {
      streams.end();
      const message = `The result cannot be received: ${
        (error as Error).message
      }`;
      return { kind: "not-cloneable", message };
    }
  }

  /** Reads the results in shared memory. */
  collect(): void {
    this.#trust(() => {
      // User code can run here, in streams, before anything is changed.
      this.#link.read();
      const { jobs, concurrency } = this.#worker;
      // With concurrent jobs, the link has just reported each end.
      if (concurrency > 1) return;
      while (this.settleOnBoard(jobs.peek(), jobs.end));
    });
  }

  /** Reads the result of one job whose worker has been stopped. */
  collectLast(job: Job): void {
    this.#trust(() => this.settleOnBoard(job));
  }

  /** Reads a job's result from the board; `false` if it is not there. */
  settleOnBoard(job: Job | undefined, end = (job?.seq ?? 0) + 1): boolean {
    if (job === undefined) return false;
    const { seq } = job;
    const board = this.#board;
    const state = board.state(seq);
    if (state <= State.POSTED) return false;
    const result = board.result(seq, state, end);
    const value = state === State.RESPONSE ? responseOf(result) : result;
    const worker = this.#worker;
    worker.jobs.remove(job);
    worker.stall.over();
    const [start, ended] = [board.start(seq), board.end(seq)];
    this.#parts.endings.value(worker, job, value, start, ended);
    return true;
  }
}
