// One worker and the jobs in flight to it, in the order in which they start.

import { AS_TEXT, Board, SLOTS, State, WAKE } from "./board.ts";
import { ConnectionHost } from "./connection_host.ts";
import { JobCloneError } from "./errors.ts";
import type { FunctionTable } from "./functions.ts";
import type { Flight, Job } from "./job.ts";
import type {
  ConnectedJobMessage,
  Ending,
  FromWorker,
  JobsMessage,
} from "./protocol.ts";
import { WorkerThread } from "./worker_thread.ts";

/** What a lane tells of its worker and its jobs. */
export interface LaneEvents {
  ready(lane: Lane): void;
  /** The worker has finished something: it is time to collect. */
  progress(lane: Lane): void;
  /** A job has ended with a plain value. */
  value(job: Job, value: unknown, start: number, end: number): void;
  /** A job has ended in any other way. */
  ended(job: Job, ending: Ending, start: number, end: number): void;
  died(lane: Lane, cause: unknown): void;
}

const SLOT_MASK = SLOTS - 1;

/** A worker with the list of what it has been sent. */
export class Lane implements Flight {
  readonly workerId: number;
  readonly #board: Board;
  readonly #thread: WorkerThread;
  readonly #functions: FunctionTable;
  readonly #events: LaneEvents;
  /** By slot; a job that has been taken back leaves a hole. */
  readonly #jobs: (Job | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #connections = new Map<number, ConnectionHost>();
  #oldest = 0;
  #next = 0;
  #inFlight = 0;
  #functionsKnown = 0;
  /** Where its worker was when it was last asked whether it is stuck. */
  #lastAt = -1;
  #connectionId = 0;

  constructor(
    workerId: number,
    { name, module }: { name: string; module: string | undefined },
    functions: FunctionTable,
    events: LaneEvents,
  ) {
    this.workerId = workerId;
    this.#functions = functions;
    this.#events = events;
    // The thread comes first: it starts while the rest is made.
    this.#thread = new WorkerThread(`${name}-${workerId}`, {
      ready: () => events.ready(this),
      message: (message) => this.#receive(message),
      died: (cause) => events.died(this, cause),
    });
    this.#board = new Board();
    this.#thread.post({
      kind: "init",
      workerId,
      board: this.#board.buffer,
      module,
      timeOrigin: performance.timeOrigin,
    });
  }

  get isReady(): boolean {
    return this.#thread.isReady;
  }

  /** How many jobs it has been sent that are not known to have ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many more jobs have a slot. */
  get room(): number {
    return SLOTS - (this.#next - this.#oldest);
  }

  /** How many jobs wait before its worker, as far as is known. */
  get waiting(): number {
    return this.isReady ? this.#inFlight - 1 : this.#inFlight;
  }

  /** How many jobs have been sent and not started, and started and not ended, as of now. */
  snapshot(): { sent: number; running: number } {
    let sent = 0;
    let running = 0;
    for (let seq = this.#oldest; seq < this.#next; seq++) {
      if (!this.#jobs[seq & SLOT_MASK]) continue;
      const state = this.#board.state(seq);
      if (state === State.SENT) sent++;
      else if (state === State.CLAIMED) running++;
    }
    return { sent, running };
  }

  /**
   * Sends jobs in one message, which all but a single one must allow to share.
   *
   * @throws {JobCloneError} If the one job cannot be cloned; it is not in flight then
   */
  send(jobs: Job[]): void {
    this.#tellFunctions();
    const message: JobsMessage = [this.#next];
    for (const job of jobs) {
      const { id, functionId, args } = job;
      if (typeof args === "string") message.push(id, functionId, AS_TEXT, args);
      else {
        message.push(id, functionId, args.length);
        for (const arg of args) message.push(arg);
      }
      this.#add(job);
    }
    const { moves, connections } = jobs[0].extras ?? {};
    try {
      this.#thread.post(
        connections ? this.#connect(message, connections) : message,
        moves,
      );
    } catch (cause) {
      this.takeBack(jobs[0]);
      throw new JobCloneError(
        `The arguments cannot be cloned: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  #tellFunctions(): void {
    const { definitions } = this.#functions;
    if (this.#functionsKnown === definitions.length) return;
    this.#thread.post({
      kind: "functions",
      definitions: definitions.slice(this.#functionsKnown),
    });
    this.#functionsKnown = definitions.length;
  }

  #add(job: Job): void {
    job.flight = this;
    job.seq = this.#next++;
    this.#jobs[job.seq & SLOT_MASK] = job;
    this.#board.send(job.seq);
    this.#inFlight++;
  }

  #remove(job: Job): void {
    job.flight = undefined;
    this.#jobs[job.seq & SLOT_MASK] = undefined;
    // Jobs that were taken back leave holes, which nothing else would clear away.
    if (--this.#inFlight === 0) this.#oldest = this.#next;
  }

  #connect(
    job: JobsMessage,
    connections: Map<Deno.Conn, object>,
  ): ConnectedJobMessage {
    const moved = Array.from(connections, ([conn, placeholder]) => {
      const id = ++this.#connectionId;
      const host = new ConnectionHost(id, conn, (event, moves) => {
        this.#thread.post(event, moves);
      });
      this.#connections.set(id, host);
      const { localAddr, remoteAddr } = conn;
      return { id, placeholder, localAddr, remoteAddr };
    });
    return { kind: "connected-job", job, connections: moved };
  }

  takeBack(job: Job): boolean {
    if (!this.#board.takeBack(job.seq)) return false;
    this.#remove(job);
    if (job.extras?.connections) {
      for (const host of this.releaseConnections(job)) host.close();
    }
    return true;
  }

  /** Whether its worker is at the same job as when this was last asked. */
  isStuck(): boolean {
    let seq = this.#oldest;
    while (seq < this.#next && !this.#jobs[seq & SLOT_MASK]) seq++;
    const isSame = seq === this.#lastAt;
    this.#lastAt = seq;
    return isSame && this.#board.state(seq) === State.CLAIMED;
  }

  /** Takes back, in order, the jobs that have not started and may go elsewhere. */
  takeBackAll(): Job[] {
    const jobs: Job[] = [];
    for (let seq = this.#oldest; seq < this.#next; seq++) {
      const job = this.#jobs[seq & SLOT_MASK];
      if (job && !job.oneAttempt && this.takeBack(job)) jobs.push(job);
    }
    return jobs;
  }

  abort(job: Job, reason: unknown): void {
    try {
      this.#thread.post({ kind: "abort", seq: job.seq, reason });
    } catch {
      // The reason cannot be cloned: the job learns of the abort all the same.
      this.#thread.post({
        kind: "abort",
        seq: job.seq,
        reason: String(reason),
      });
    }
  }

  #receive(message: FromWorker): void {
    if (message === WAKE) return this.#look();
    if (Array.isArray(message)) {
      for (let i = 0; i < message.length; i += 2) {
        const [seq, value] = [message[i] as number, message[i + 1]];
        this.#settlePosted(seq, { kind: "value", value });
      }
      return this.#look();
    }
    switch (message.kind) {
      case "ended":
        this.#settlePosted(message.seq, message.ending);
        return this.#look();
      case "conn-close":
      case "conn-close-write":
      case "conn-consumed":
      case "conn-option":
      case "conn-write":
        this.#connections.get(message.id)?.receive(message);
    }
  }

  #look(): void {
    this.#board.awake();
    this.#events.progress(this);
  }

  #settlePosted(seq: number, ending: Ending): void {
    const job = this.#jobs[seq & SLOT_MASK];
    if (job?.seq !== seq) return;
    this.#remove(job);
    this.#events.ended(
      job,
      ending,
      this.#board.start(seq),
      this.#board.end(seq),
    );
  }

  /** Takes the results that the worker has left on the board. */
  collect(): void {
    const board = this.#board;
    while (this.#oldest < this.#next) {
      const seq = this.#oldest;
      const job = this.#jobs[seq & SLOT_MASK];
      const state = job && board.state(seq);
      if (state !== undefined && state <= State.POSTED) break;
      // Who hears of a result may give new jobs, and so come here again.
      this.#oldest++;
      if (job === undefined || state === undefined) continue;
      const value = board.result(seq, state, this.#next);
      this.#remove(job);
      this.#events.value(job, value, board.start(seq), board.end(seq));
    }
  }

  /** Ends the worker and gives what was in flight, in order. */
  stop(): { unstarted: Job[]; started: Job[] } {
    this.#thread.stop();
    this.collect();
    const unstarted = [];
    const started = [];
    for (let seq = this.#oldest; seq < this.#next; seq++) {
      const job = this.#jobs[seq & SLOT_MASK];
      if (!job) continue;
      if (this.takeBack(job)) unstarted.push(job);
      else {
        this.#remove(job);
        started.push(job);
      }
    }
    for (const host of this.#connections.values()) host.close();
    return { unstarted, started };
  }

  /** Lets go of a job's connections, which its worker no longer has. */
  releaseConnections(job: Job): ConnectionHost[] {
    const conns = job.extras?.connections;
    const hosts = [];
    for (const [id, host] of this.#connections) {
      if (!conns?.has(host.conn)) continue;
      this.#connections.delete(id);
      hosts.push(host);
    }
    return hosts;
  }
}
