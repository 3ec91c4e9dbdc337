// Runs a worker as a process, which the pool treats like a thread. A process shares no
// memory with main, so `ProcessThread` plays the worker's part on main's board: it
// keeps unwritten jobs, and marks each job when it is written, starts, and ends.

import type { FlowEvents } from "../flow/events.ts";
import type { MovedList } from "../moving/kind.ts";
import type { Thread, ThreadEvents } from "../threads/thread.ts";
import { Board, State } from "../wire/board.ts";
import {
  type FromWorker,
  type InitMessage,
  type PostedToWorker,
  WAKE,
} from "../wire/protocol.ts";
import type { JobList } from "../wire/job_list.ts";
import { Checker, checkText } from "./checker.ts";
import { ChunkReader, MARK } from "./chunks.ts";
import { decodeClone } from "./clone.ts";
import { sendFlow } from "./crossing.ts";
import { type DenoCommand, DenoProcess } from "./deno_process.ts";
import { FrameReader, Kind, textFrame } from "./frames.ts";
import { type JobFrames, jobFrames, messageFrames } from "./main_frames.ts";
import { Output } from "./output.ts";
import type {
  CommonInit,
  FromProcess,
  ProcessInit,
  ToProcess,
} from "./protocol.ts";
import type { Warden } from "./warden.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Settings that the processes of a pool share. */
export interface ProcessSettings {
  command: DenoCommand;
  warden: Warden;
  init: CommonInit;
}

/** Time in ms from writing a job to its start, above which the start is late. */
const LATE = 100;

/** A process as a thread. */
export class ProcessThread implements Thread {
  readonly holdsToken = false;
  readonly #settings: ProcessSettings;
  readonly #name: string;
  readonly #events: ThreadEvents;
  readonly #mark = crypto.getRandomValues(new Uint8Array(MARK));
  readonly #output = new Output();
  readonly #process: DenoProcess;
  readonly #checker: Checker;
  readonly #decoder = new TextDecoder();
  #key = "";
  #board!: Board;
  #concurrency = 1;
  #isReady = false;
  /** State of the guard: jobs with a timeout are written when it is ready. */
  #guard: "none" | "loading" | "ready";
  /** Jobs that have not been written, in the order in which they will start. */
  #pending: JobFrames[] = [];
  readonly #running = new Set<number>();
  /** The job written last, until it waits or has ended. */
  #last: number | undefined;
  #hasWorked = false;

  /** @throws If the process cannot be started */
  constructor(settings: ProcessSettings, name: string, events: ThreadEvents) {
    this.#settings = settings;
    this.#name = name;
    this.#events = events;
    this.#guard = settings.init.guards ? "none" : "ready";
    const { command, warden, init: { longest } } = settings;
    this.#checker = new Checker(this.#running, longest);
    const frames = new FrameReader((kind, bytes, buffers) => {
      this.#receive(this.#checker.check(this.#read(kind, bytes, buffers)));
    }, longest);
    const chunks = new ChunkReader(
      this.#mark,
      (bytes) => frames.push(bytes),
      (bytes) => this.#output.print(bytes),
    );
    this.#process = new DenoProcess(command, warden, this.#output, {
      wrote: (bytes) => this.#trust(() => chunks.push(bytes)),
      ended: (cause) => {
        chunks.end();
        this.#takeBackUnstarted();
        events.failed(cause);
      },
    });
  }

  /** Resolves when the process has ended and its output has been handled. */
  get gone(): Promise<void> {
    return this.#process.gone;
  }

  post(message: unknown, moves: Transferable[] = []): void {
    const posted = message as PostedToWorker;
    if (posted === WAKE) return;
    if (!Array.isArray(posted)) return this.#init(posted);
    const said = posted[1];
    if (Array.isArray(said)) return this.#add(said, moves);
    switch (said.kind) {
      case "moving-jobs":
        // Only threads receive requests as text.
        return this.#add(said.jobs, moves, said.moved as MovedList[]);
      case "flow":
        return this.#flow(said.events, moves);
      case "functions":
        return this.#process.write(textFrame(JSON.stringify(said)));
      case "hold":
        // Not needed: main detects the end of a process without a token.
        return;
      default:
        return this.#send(said);
    }
  }

  terminate(): void {
    this.#process.kill();
  }

  keepProcess(keeps: boolean): void {
    this.#process.isHeld = keeps;
  }

  #init(init: InitMessage): void {
    const { workerId, module, concurrency, maxHeap, timeOrigin, data } = init;
    this.#key = init.key;
    this.#board = new Board(init.slots, init.board);
    this.#concurrency = concurrency;
    if (data !== undefined) {
      this.#process.write(messageFrames({ kind: "data", data }));
    }
    const first: ProcessInit = {
      ...this.#settings.init,
      mark: [...this.#mark],
      name: this.#name,
      workerId,
      module,
      concurrency,
      maxHeap: maxHeap === Infinity ? undefined : maxHeap,
      timeOrigin,
    };
    this.#process.write(textFrame(JSON.stringify(first)));
  }

  /** @throws If the message cannot be cloned */
  #send(message: ToProcess, moves?: readonly Transferable[]): void {
    this.#process.write(messageFrames(message, moves));
  }

  /** Adds jobs, with the values that move with each job. */
  #add(list: JobList, moves: Transferable[], moved?: MovedList[]): void {
    for (const job of jobFrames(list, moves, moved)) {
      const isBehind = (other: JobFrames) => job.isAside && !other.isAside;
      const place = this.#pending.findIndex(isBehind);
      this.#pending.splice(place < 0 ? this.#pending.length : place, 0, job);
      if (!job.isTimed || this.#guard !== "none") continue;
      this.#guard = "loading";
      this.#send({ kind: "guard" });
    }
    this.#next();
  }

  /** Writes the jobs that the process can start now. */
  #next(): void {
    while (this.#pending.length > 0) {
      const { seq, moving, isTimed, isAside, frames } = this.#pending[0];
      if (isAside ? !this.#isReady : !this.#mayStart) return;
      if (isTimed && this.#guard !== "ready") return;
      this.#pending.shift();
      if (this.#board.write(seq, performanceNow())) {
        this.#running.add(seq);
        this.#last = seq;
        this.#checker.sent(seq, moving);
      } else if (moving > 0) this.#send({ kind: "cancel", seq });
      // Main has taken the job back.
      else continue;
      this.#process.write(frames);
    }
  }

  get #mayStart(): boolean {
    return this.#isReady && this.#last === undefined &&
      this.#running.size < this.#concurrency;
  }

  #flow(events: FlowEvents, moves: Transferable[]): void {
    this.#checker.told(events);
    sendFlow(
      events,
      moves,
      (events, moves) => this.#send({ kind: "flow", events }, moves),
      (events) => this.#tell({ kind: "flow", events }),
    );
  }

  /** Reads output of the process, and kills the process if the output is invalid. */
  #trust(read: () => void): void {
    try {
      read();
    } catch (cause) {
      this.#process.kill();
      const what = "What the process has written cannot be taken";
      const { message } = cause as Error;
      this.#events.failed(new Error(`${what}: ${message}`, { cause }));
    }
  }

  #read(
    kind: Kind,
    bytes: Uint8Array,
    buffers: Uint8Array<ArrayBuffer>[],
  ): unknown {
    const { densest } = this.#settings.init;
    if (kind === Kind.CLONE) return decodeClone(bytes, buffers, densest);
    checkText(bytes, densest);
    return JSON.parse(this.#decoder.decode(bytes));
  }

  #receive(message: FromProcess): void {
    if (Array.isArray(message)) {
      const [seq, value] = message as [number, unknown];
      if (this.#ended(seq)) this.#tell([seq, value]);
      return;
    }
    switch (message.kind) {
      case "started":
        return this.#started(message.seq);
      case "waits":
        if (message.seq === this.#last) this.#last = undefined;
        return this.#goOn();
      case "ended":
        if (this.#ended(message.seq)) this.#tell(message);
        return;
      case "ready":
        this.#isReady = true;
        this.#output.release();
        this.#tell(message);
        return this.#next();
      case "stops":
        return this.#board.askToStop();
      case "guarded":
        this.#guard = "ready";
        return this.#goOn();
      default:
        if (message.kind === "crashed") this.#takeBackUnstarted();
        return this.#tell(message);
    }
  }

  /** Writes more jobs, and wakes main, which may treat this worker as held. */
  #goOn(): void {
    this.#next();
    this.#events.message(WAKE);
  }

  /** Marks a running job as ended, and writes more jobs before main is notified. */
  #ended(seq: number): boolean {
    if (!this.#running.delete(seq)) return false;
    this.#hasWorked = true;
    if (seq === this.#last) this.#last = undefined;
    this.#board.setEnd(seq, performanceNow());
    this.#board.settlePosted(seq);
    this.#next();
    return true;
  }

  /** Marks a job as started. If late, wakes main, which may treat the worker as held. */
  #started(seq: number): void {
    if (this.#board.state(seq) !== State.WRITTEN) return;
    const now = performanceNow();
    const isLate = now - this.#board.start(seq) > LATE;
    this.#board.started(seq, now);
    if (isLate) this.#events.message(WAKE);
  }

  /**
   * Takes back the jobs that a crashed or ended process has not started, but only if it
   * has ended a job before: otherwise, a guest could restart its job forever.
   */
  #takeBackUnstarted(): void {
    this.#isReady = false;
    if (!this.#hasWorked) return;
    for (const seq of this.#running) {
      if (this.#board.state(seq) !== State.WRITTEN) continue;
      this.#running.delete(seq);
      this.#board.send(seq);
    }
  }

  #tell(message: FromWorker): void {
    this.#events.message([this.#key, message]);
  }
}
