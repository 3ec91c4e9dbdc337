// What runs in a worker once its module is imported: hands messages to those
// whom they concern.

import { WAKE, type WorkerBoard } from "../wire/board.ts";
import { isArray } from "../values/intrinsics.ts";
import type {
  FlowMessage,
  MovingJobsMessage,
  ToWorker,
  WorkerInit,
} from "../wire/protocol.ts";
import { Executor } from "./executor.ts";
import { Handlers, importModule } from "./handlers.ts";
import type { Host, Post } from "./host.ts";
import type { Traffic } from "./traffic.ts";

/** What is used here of the Web Locks API. */
interface Locks {
  request(name: string, callback: () => Promise<never>): void;
}

/** Imports the module, and makes what runs its jobs. */
export async function openCore(
  init: WorkerInit,
  board: WorkerBoard,
  host: Host,
): Promise<Core> {
  const { module, memoryLimit } = init;
  if (memoryLimit !== undefined) await checkMemoryLimit(memoryLimit);
  if (init.hardKill) {
    await holdLock();
    await watchMemory(host.post);
  }
  const [exports] = module === undefined
    ? [{}]
    : await importModule(module, host);
  const handlers = new Handlers(exports);
  const executor = new Executor(init, board, handlers, host);
  // Most workers start sooner without.
  if (init.concurrency > 1) {
    await executor.loadStorage();
    if (init.rings) await executor.loadRest();
  }
  return new Core(executor);
}

/** A thread of `node:worker_threads` that holds a Web Lock is stopped in a loop, too. */
function holdLock(): Promise<void> {
  // Deno's types leave it out.
  const { locks } = navigator as unknown as { locks?: Locks };
  return new Promise((resolve) => {
    if (locks === undefined) return resolve();
    locks.request(`@spindle/thread-pool/${crypto.randomUUID()}`, () => {
      resolve();
      return new Promise(() => {});
    });
  });
}

/** Some kinds of threads have no limit. */
async function checkMemoryLimit(limit: number): Promise<void> {
  const { resourceLimits } = await import("node:worker_threads");
  const { maxOldGenerationSizeMb = 0 } = resourceLimits;
  if (maxOldGenerationSizeMb > 0 && maxOldGenerationSizeMb <= limit) return;
  throw new Error(
    "Option `memoryLimit` is not to be had: this Deno does not limit the heap of a thread",
  );
}

/** Tells main when there is no more memory. */
async function watchMemory(post: Post): Promise<void> {
  const { outOfMemory, watchHeap } = await import("./heap_watch.ts");
  const { packError } = await import("../values/error_codec.ts");
  const error = packError(outOfMemory());
  watchHeap(() => post({ kind: "crashed", error }));
}

/** The receiver of all messages. */
export class Core {
  readonly #executor: Executor;
  /** What came while it was being loaded what not every job needs. */
  #waiting: ToWorker[] = [];

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  /** Loads what not every job needs. */
  async loadRest(): Promise<void> {
    await this.#executor.loadRest();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let i = 0; i < waiting.length; i++) this.receive(waiting[i]);
  }

  /** Loads what stops jobs whose time is over. */
  loadGuard(): Promise<void> {
    return this.#executor.loadGuard();
  }

  receive(message: ToWorker): void {
    this.#executor.traffic?.link.beginTurn();
    if (this.#waiting.length > 0) this.#wait(message);
    else if (message === WAKE) this.#executor.wake();
    else if (isArray(message)) this.#executor.receive(message);
    else {
      switch (message.kind) {
        case "functions":
          return this.#executor.define(message);
        case "abort":
          return this.#executor.abort(message.seq, message.reason);
        case "hold":
          // A thread in which nothing is awaited any more, since a job has broken
          // what receives messages, would end the whole process.
          message.token.onmessage = () => {};
          return;
        case "init":
          return;
        default:
          if (this.#executor.traffic) {
            this.#move(message, this.#executor.traffic);
          } else this.#wait(message);
      }
    }
  }

  #wait(message: ToWorker): void {
    this.#waiting[this.#waiting.length] = message;
  }

  #move(message: MovingJobsMessage | FlowMessage, { link }: Traffic): void {
    if (message.kind === "flow") link.receive(message.events);
    else this.#executor.receive(message.jobs, message.moved);
  }
}
