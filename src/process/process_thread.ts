// A worker that is a process. It shares no memory with main, so this plays a
// worker's part on main's board: it holds the jobs that have not started, claims
// each as it sends it, and tells of its end. The pool does with it what it does
// with a thread.

import { Board, WAKE } from "../wire/board.ts";
import type { FlowEvents } from "../flow/events.ts";
import {
  type JobList,
  type SingleJob,
  singleJobs,
  textOfJob,
} from "../wire/job_list.ts";
import { toText } from "../values/plain_text.ts";
import type {
  AbortMessage,
  FromWorker,
  FunctionsMessage,
  InitMessage,
  MovingJobsMessage,
  PostedToWorker,
} from "../wire/protocol.ts";
import type { Thread, ThreadEvents } from "../threads/thread.ts";
import { checkText } from "./density.ts";
import { Checker } from "./checker.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { decodeClone, encodeClone, unshareChunks } from "./clone.ts";
import { flowEach } from "./flow_each.ts";
import { type DenoCommand, DenoProcess, type Part } from "./deno_process.ts";
import { frameHead, textFrame } from "./frame_writer.ts";
import { Kind, MARK, type ProcessInit } from "./frames.ts";
import type { ToProcess } from "./child.ts";
import type { Warden } from "./warden.ts";

/** So many bytes that a process prints as it starts are held back. */
const MOST_HELD_BACK = 64 * 1024;

/** What the processes of a pool have in common. */
export interface ProcessSettings {
  command: DenoCommand;
  warden: Warden;
  /** How many bytes a process writes at once. */
  chunk: number;
  /** No message of a process may be longer, in bytes. */
  longest: number;
  /** No clone in one may be longer, large buffers aside. */
  densest: number;
  denied: Deno.PermissionName[];
  /** Whether a process stops by itself what takes too long of a job. */
  guards: boolean;
}

/** A job that has not started. */
interface PendingJob {
  seq: number;
  /** What the process is sent. */
  frame: Part[];
  /** How much moves with it, which a process has to be told of in any case. */
  moving: number;
  /** Whether it may only execute for so long. */
  isTimed: boolean;
}

/** A process as a thread. */
export class ProcessThread implements Thread {
  readonly holdsToken = false;
  readonly #settings: ProcessSettings;
  readonly #name: string;
  readonly #events: ThreadEvents;
  readonly #mark = crypto.getRandomValues(new Uint8Array(MARK));
  readonly #process: DenoProcess;
  readonly #checker: Checker;
  readonly #decoder = new TextDecoder();
  #key = "";
  #board!: Board;
  #concurrency = 1;
  #isReady = false;
  /** What it has printed before. */
  #unprinted: Uint8Array[] = [];
  #heldBack = 0;
  /** Whether the process is ready for jobs that may only execute for so long. */
  #isGuarded: "no" | "soon" | "yes" = "no";
  /** In the order in which they are to start. */
  #pending: PendingJob[] = [];
  readonly #running = new Set<number>();
  /** The job that was sent last, until it goes on by itself or has ended. */
  #last: number | undefined;
  #lastSent = -1;

  /** @throws If it cannot be started */
  constructor(settings: ProcessSettings, name: string, events: ThreadEvents) {
    this.#settings = settings;
    this.#name = name;
    this.#events = events;
    this.#checker = new Checker({
      isRunning: (seq) => this.#running.has(seq),
      // A job that is stopped just when it has ended may be told of twice.
      wasSent: (seq) => seq === this.#lastSent,
    }, settings.longest);
    const reader = new ChunkReader(this.#mark, settings.longest, {
      text: (bytes) => {
        checkText(bytes, settings.densest);
        this.#receive(JSON.parse(this.#decoder.decode(bytes)));
      },
      clone: (bytes, buffers) => {
        this.#receive(decodeClone(bytes, buffers, settings.densest));
      },
      other: (bytes) => this.#print(bytes),
    });
    this.#process = new DenoProcess(settings.command, settings.warden, {
      wrote: (bytes) => this.#trust(() => reader.push(bytes)),
      ended: (cause) => {
        reader.end();
        this.#events.failed(cause);
      },
    });
  }

  /** Resolves when nothing is left of it. */
  get gone(): Promise<void> {
    return this.#process.gone;
  }

  post(message: unknown, moves: Transferable[] = []): void {
    const posted = message as PostedToWorker;
    if (posted === WAKE) return;
    if (!Array.isArray(posted)) return this.#init(posted);
    const said = posted[1];
    if (Array.isArray(said)) this.#add(said, moves);
    else if (said.kind === "moving-jobs") this.#addMoving(said, moves);
    else if (said.kind === "flow") this.#flow(said.events, moves);
    else if (said.kind === "functions") this.#define(said);
    else if (said.kind === "abort") this.#abort(said);
    // It holds nothing: the end of a process is seen.
    else if (said.kind === "hold") return;
    else this.#send(said);
  }

  terminate(): void {
    this.#process.kill();
  }

  keepProcess(keeps: boolean): void {
    this.#process.isHeld = keeps;
  }

  #init(init: InitMessage): void {
    const { chunk, longest, densest, denied, guards } = this.#settings;
    if (!guards) this.#isGuarded = "yes";
    const { workerId, module, concurrency, maxHeap, timeOrigin } = init;
    this.#key = init.key;
    this.#board = new Board(init.slots, init.board);
    this.#concurrency = concurrency;
    const first: ProcessInit = {
      mark: [...this.#mark],
      chunk,
      longest,
      densest,
      name: this.#name,
      workerId,
      module,
      concurrency,
      maxHeap: maxHeap === Infinity ? undefined : maxHeap,
      guards,
      denied,
      timeOrigin,
    };
    this.#process.write(textFrame(JSON.stringify(first)));
  }

  #define(functions: FunctionsMessage): void {
    this.#process.write(textFrame(JSON.stringify(functions)));
  }

  #abort({ kind, seq, reason }: AbortMessage): void {
    this.#send({ kind, seq, reason });
  }

  #cloneFrame(message: ToProcess, moves?: Transferable[]): Part[] {
    const { clone, buffers, blobs } = encodeClone(message, moves);
    const parts: Part[] = [];
    for (const bytes of buffers) {
      parts.push(frameHead(Kind.BYTES, bytes.length), bytes);
    }
    if (blobs.length > 0) {
      const size = blobs.reduce((sum, { size }) => sum + size, 0);
      parts.push(frameHead(Kind.BYTES, size), ...blobs);
    }
    parts.push(frameHead(Kind.CLONE, clone.length), clone);
    return parts;
  }

  /** @throws If it cannot be cloned */
  #send(message: ToProcess, moves?: Transferable[]): void {
    const text = toText(message);
    const frame = text === undefined
      ? this.#cloneFrame(message, moves)
      : textFrame(text);
    this.#process.write(frame);
  }

  /** Takes in jobs whose arguments are texts, primitives or clones. */
  #add(list: JobList, moves: Transferable[]): void {
    const jobs: PendingJob[] = [];
    for (const job of singleJobs(list)) {
      const frame = this.#frameOf(job, moves);
      const { seq, isTimed } = job;
      jobs.push({ seq, frame, moving: 0, isTimed });
    }
    this.#enqueue(jobs);
  }

  #frameOf(job: SingleJob, moves: Transferable[]): Part[] {
    if (job.args === undefined) return textFrame(textOfJob(job));
    const text = toText(job.args);
    return text === undefined
      ? this.#cloneFrame(job.list, moves)
      : textFrame(textOfJob(job, text));
  }

  #addMoving(
    { jobs: list, moved }: MovingJobsMessage,
    moves: Transferable[],
  ): void {
    const jobs: PendingJob[] = [];
    for (const job of singleJobs(list)) {
      const own = moved[jobs.length];
      const frame = this.#cloneFrame({
        kind: "moving-jobs",
        jobs: job.list,
        moved: [own],
      }, moves);
      const { seq, isTimed } = job;
      jobs.push({ seq, frame, moving: own.length, isTimed });
    }
    this.#enqueue(jobs);
  }

  #enqueue(jobs: PendingJob[]): void {
    // Only now: if one of them could not be cloned, none is here.
    for (const job of jobs) {
      this.#pending.push(job);
      if (job.isTimed) this.#needGuard();
    }
    this.#next();
  }

  #needGuard(): void {
    if (this.#isGuarded !== "no") return;
    this.#isGuarded = "soon";
    this.#send({ kind: "guard" });
  }

  /** Sends the process the jobs that it can start now. */
  #next(): void {
    while (this.#mayStart && this.#pending.length > 0) {
      const job = this.#pending[0];
      if (job.isTimed && this.#isGuarded !== "yes") return;
      this.#pending.shift();
      const { seq, moving } = job;
      if (this.#board.claim(seq, performance.now())) {
        this.#running.add(seq);
        this.#last = this.#lastSent = seq;
        this.#checker.sent(moving);
      } else if (moving > 0) this.#send({ kind: "cancel", seq });
      // Main has taken it back.
      else continue;
      this.#process.write(job.frame);
    }
  }

  get #mayStart(): boolean {
    return this.#isReady && this.#last === undefined &&
      this.#running.size < this.#concurrency;
  }

  #flow(events: FlowEvents, moves: Transferable[]): void {
    unshareChunks(events);
    this.#checker.told(events);
    try {
      this.#send({ kind: "flow", events }, moves);
    } catch {
      flowEach(
        events,
        moves,
        (events, moves) => this.#send({ kind: "flow", events }, moves),
        (events) => this.#tell({ kind: "flow", events }),
      );
    }
  }

  /** Does something with what the process has written; on any fault in it, that was its last word. */
  #trust(read: () => void): void {
    try {
      read();
    } catch (cause) {
      this.#process.kill();
      this.#events.failed(
        new Error(
          `What the process has written cannot be taken: ${
            (cause as Error).message
          }`,
          { cause },
        ),
      );
    }
  }

  #receive(received: unknown): void {
    const message = this.#checker.check(received);
    if (Array.isArray(message)) {
      const [seq, value] = message as [number, unknown];
      if (this.#ended(seq)) this.#tell([seq, value]);
      return;
    }
    switch (message.kind) {
      case "waits":
        if (message.seq === this.#last) this.#last = undefined;
        return this.#goOn();
      case "ended":
        if (this.#ended(message.seq)) this.#tell(message);
        return;
      case "ready":
        this.#isReady = true;
        this.#printAll();
        this.#tell(message);
        return this.#next();
      case "guarded":
        this.#isGuarded = "yes";
        return this.#goOn();
      default:
        return this.#tell(message);
    }
  }

  /** It can start a job again; main may have taken it to be held up. */
  #goOn(): void {
    this.#next();
    this.#events.message(WAKE);
  }

  /** A job has ended: another one may start before anybody hears of that. */
  #ended(seq: number): boolean {
    if (!this.#running.delete(seq)) return false;
    if (seq === this.#last) this.#last = undefined;
    this.#board.setEnd(seq, performance.now());
    this.#board.settlePosted(seq);
    this.#next();
    return true;
  }

  #tell(message: Exclude<FromWorker, typeof WAKE>): void {
    this.#events.message([this.#key, message]);
  }

  /** What is of no message is for the program's own standard error. */
  #print(bytes: Uint8Array): void {
    this.#process.note(this.#decoder.decode(bytes));
    if (this.#isReady) return print(bytes);
    // Until it has started, it may be why it cannot.
    this.#unprinted.push(bytes.slice());
    this.#heldBack += bytes.length;
    if (this.#heldBack > MOST_HELD_BACK) this.#printAll();
  }

  #printAll(): void {
    for (const bytes of this.#unprinted) print(bytes);
    this.#unprinted = [];
  }
}

function print(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) {
      at += Deno.stderr.writeSync(bytes.subarray(at));
    }
  } catch {
    // Nobody reads it any more.
  }
}
