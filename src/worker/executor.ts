// Executes the jobs of this worker, one after the other, and sends their
// endings.

import { AS_TEXT, type Board, SLOTS, WAKE } from "../board.ts";
import { type CurrentJob, currentJobSlot } from "../thread_state.ts";
import type {
  FromWorker,
  FunctionDefinition,
  InitMessage,
  JobsMessage,
  MovedConnection,
} from "../protocol.ts";
import { fromText } from "../plain_text.ts";
import type { Connections } from "./connections.ts";
import type { Handler, Handlers } from "./handlers.ts";
import { nextTurn } from "./next_turn.ts";

/** Loaded late, since most jobs end on the board. */
type Endings = typeof import("./endings.ts");

type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** A job as this worker has received it. */
class ReceivedJob implements CurrentJob {
  readonly deadline = undefined;
  #abort: AbortController | undefined;

  constructor(
    readonly id: number,
    readonly seq: number,
    readonly handler: Handler,
    readonly args: unknown[],
    readonly workerId: number,
    readonly connections: Connections | undefined,
  ) {}

  get name(): string {
    return this.handler.name;
  }

  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    (this.#abort ??= new AbortController()).abort(reason);
  }
}

/** Results wait at most so many ms for others to be told of with them, if no job is long. */
const TELL_EVERY = 0.25;
/** For so many ms jobs follow each other before timers and I/O get their turn. */
const TURN = 5;

/** Takes lists of jobs, and executes them in order. */
export class Executor {
  readonly #workerId: number;
  readonly #board: Board;
  readonly #handlers: Handlers;
  readonly #post: Post;
  /** From this thread's clock to main's. */
  readonly #clockOffset: number;
  #endings: Endings | undefined;
  #inbox: (ReceivedJob | undefined)[] = [];
  /** Where the inbox begins: what is before it has been taken. */
  #first = 0;
  #current: ReceivedJob | undefined;
  #paused = false;
  /** Whether there are results on the board of which main has not been told. */
  #untold = false;
  #lastTold = 0;
  /** When, on main's clock, it is others' turn in this thread. */
  #pauseAt = 0;

  constructor(
    { workerId, timeOrigin }: InitMessage,
    board: Board,
    handlers: Handlers,
    post: Post,
  ) {
    this.#workerId = workerId;
    this.#clockOffset = performance.timeOrigin - timeOrigin;
    this.#board = board;
    this.#handlers = handlers;
    this.#post = post;
  }

  /** Loads what makes the endings that the board cannot say. */
  async loadEndings(): Promise<Endings> {
    return this.#endings ??= await import("./endings.ts");
  }

  /** Takes in functions that jobs will name. */
  define(definitions: FunctionDefinition[]): void {
    this.#handlers.define(definitions);
  }

  /** Takes in a list of jobs, or one that has connections. */
  receive(
    message: JobsMessage,
    connections?: Connections,
    moved: MovedConnection[] = [],
  ): void {
    let seq = message[0] as number;
    for (let i = 1; i < message.length; seq++) {
      const id = message[i++] as number;
      const handler = this.#handlers.get(message[i++] as number);
      const count = message[i++] as number;
      const args = count === AS_TEXT
        ? fromText(message[i++] as string) as unknown[]
        : message.slice(i, i += count);
      connections?.revive(args, moved, id);
      this.#inbox.push(
        new ReceivedJob(
          id,
          seq,
          handler,
          args,
          this.#workerId,
          connections,
        ),
      );
    }
    if (this.#current !== undefined || this.#paused) return;
    const now = this.#now();
    this.#pauseAt = now + TURN;
    this.#run(now);
  }

  /** The caller has aborted a job. */
  abort(seq: number, reason: unknown): void {
    if (this.#current?.seq === seq) this.#current.abort(reason);
  }

  #run(now: number): void {
    for (let job = this.#shift(); job; job = this.#shift()) {
      if (!this.#board.claim(job.seq)) {
        job.connections?.end(job.id);
        continue;
      }
      this.#current = currentJobSlot.job = job;
      const start = now;
      let result: unknown;
      let failed = false;
      try {
        // Called by itself, a handler has no `this`.
        const { call } = job.handler;
        result = call(...job.args);
        if (isThenable(result)) return void this.#await(job, start, result);
      } catch (error) {
        failed = true;
        result = error;
      }
      now = this.#now();
      if (!this.#end(job, start, now, failed, result)) return;
      if (now >= this.#pauseAt && this.#first < this.#inbox.length) {
        return void this.#pause();
      }
    }
    if (this.#untold) this.#tell(now);
  }

  async #await(
    job: ReceivedJob,
    start: number,
    promise: PromiseLike<unknown>,
  ): Promise<void> {
    let result: unknown;
    let failed = false;
    try {
      result = await promise;
    } catch (error) {
      failed = true;
      result = error;
    }
    const now = this.#now();
    if (!this.#end(job, start, now, failed, result)) return;
    if (now < this.#pauseAt) this.#run(now);
    else this.#pause();
  }

  /** Lets timers and I/O of this worker have their turn. */
  async #pause(): Promise<void> {
    this.#paused = true;
    await nextTurn();
    this.#paused = false;
    const now = this.#now();
    this.#pauseAt = now + TURN;
    this.#run(now);
  }

  #shift(): ReceivedJob | undefined {
    if (this.#first === this.#inbox.length) {
      this.#inbox = [];
      this.#first = 0;
      return undefined;
    }
    if (this.#first === SLOTS) {
      // Under steady load it is never empty.
      this.#inbox.splice(0, SLOTS);
      this.#first = 0;
    }
    const job = this.#inbox[this.#first];
    // Its arguments are nobody's once it has ended.
    this.#inbox[this.#first++] = undefined;
    return job;
  }

  #now(): number {
    return performance.now() + this.#clockOffset;
  }

  /** Sends a job's ending, before the next job may start; `false` if that is still to come. */
  #end(
    job: ReceivedJob,
    start: number,
    end: number,
    failed: boolean,
    result: unknown,
  ): boolean {
    this.#current = currentJobSlot.job = undefined;
    this.#board.setTimes(job.seq, start, end);
    if (job.connections) job.connections.end(job.id);
    else if (!failed && this.#board.settle(job.seq, result)) {
      this.#untold = true;
      if (end - this.#lastTold >= TELL_EVERY) this.#tell(end);
      return true;
    }
    if (this.#endings === undefined) {
      this.#postLater(job, failed, result);
      return false;
    }
    this.#postEnding(job, failed, result, this.#endings);
    return true;
  }

  #postEnding(
    job: ReceivedJob,
    failed: boolean,
    result: unknown,
    { postFailure, postValue }: Endings,
  ): void {
    this.#board.settlePosted(job.seq);
    if (failed) postFailure(job, result, this.#post);
    else postValue(job, result, this.#post);
  }

  async #postLater(
    job: ReceivedJob,
    failed: boolean,
    result: unknown,
  ): Promise<void> {
    this.#paused = true;
    const endings = await this.loadEndings();
    this.#paused = false;
    this.#postEnding(job, failed, result, endings);
    this.#run(this.#now());
  }

  /** Wakes main, unless it is about to look anyway. */
  #tell(now: number): void {
    this.#untold = false;
    this.#lastTold = now;
    if (this.#board.wake()) this.#post(WAKE);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
