// Runs in a worker once its module is imported: passes each message of main to
// the code that handles it.

import { lifeSlot, type WorkerLife } from "../values/thread_state.ts";
import { type InitMessage, type ToWorker, WAKE } from "../wire/protocol.ts";
import { isArray } from "../values/intrinsics.ts";
import { Executor } from "./executor.ts";
import {
  Handlers,
  importModule,
  importWrapped,
  type Module,
} from "./handlers.ts";
import type { OwnThread } from "./own_thread.ts";

/** Messages that can come once the worker has begun. */
export type LaterMessage = Exclude<ToWorker, InitMessage>;

/** Imports the module, and creates the receiver. */
export async function openReceiver(thread: OwnThread): Promise<Receiver> {
  const { init } = thread;
  // On the caller's own thread, other code runs while the module loads.
  const life = thread.clock ? undefined : lifeOf(thread);
  if (life) {
    life.loading = init.module;
    lifeSlot.life = life;
  }
  if (init.hardKill) {
    const { prepareKillable } = await import("./killable.ts");
    await prepareKillable(init.memoryLimit, thread.post);
  }
  const [exports] = await exportsOf(thread);
  if (life) life.loading = undefined;
  const handlers = new Handlers(exports);
  const executor = new Executor(handlers, thread);
  // Loaded only if needed, so that most workers start sooner.
  if (init.concurrency > 1 || thread.clock) {
    await executor.calls.loadStorage();
    if (init.rings || thread.clock) await executor.endings.load();
  }
  return new Receiver(executor, thread);
}

async function exportsOf(thread: OwnThread): Promise<[Module]> {
  const { module } = thread.init;
  if (module === undefined) return [{}];
  if (!thread.clock) return await importModule(module, thread);
  // The module belongs to the worker that loads it first. What would end a
  // worker's thread ends the program here.
  const before = importing;
  const done = Promise.withResolvers<void>();
  importing = done.promise;
  await before;
  // This thread can be a worker of another pool.
  const { life } = lifeSlot;
  lifeSlot.life = thread.life;
  try {
    return [(await importWrapped(module)).module];
  } finally {
    lifeSlot.life = life;
    done.resolve();
  }
}

/** A thread loads one module at a time, because each belongs to its own worker. */
let importing: Promise<void> = Promise.resolve();

/** Returns the state of a new worker. */
export function lifeOf(
  { init, board }: Pick<OwnThread, "init" | "board">,
): WorkerLife {
  const askToStop = () => board.askToStop();
  const { data, mainModule } = init;
  return { data, mainModule, callbacks: [], askToStop };
}

/** Receives all messages. */
export class Receiver {
  readonly #executor: Executor;
  readonly #thread: OwnThread;
  /** Messages that came while code was loaded that few jobs need. */
  #waiting: LaterMessage[] = [];

  constructor(executor: Executor, thread: OwnThread) {
    this.#executor = executor;
    this.#thread = thread;
  }

  /** Loads code that few jobs need. */
  async load(): Promise<void> {
    try {
      await this.#executor.endings.load();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (let i = 0; i < waiting.length; i++) this.receive(waiting[i]);
    } catch (error) {
      this.#thread.crash(error);
    }
  }

  /** Loads the guard, which stops jobs that exceed their timeout. */
  loadGuard(): Promise<void> {
    return this.#executor.calls.loadGuard();
  }

  /** Receives a message; never throws. */
  receive(message: LaterMessage): void {
    try {
      if (this.#waiting.length > 0) this.#wait(message);
      else this.#take(message);
    } catch (error) {
      this.#thread.crash(error);
    }
  }

  #take(message: LaterMessage): void {
    const link = this.#executor.endings.moving?.link;
    link?.beginTurn();
    if (message === WAKE) return this.#executor.wake();
    if (isArray(message)) return this.#executor.receive(message);
    switch (message.kind) {
      case "functions":
        return this.#executor.define(message);
      case "abort":
        return this.#executor.abort(message.seq, message.reason);
      case "hold":
        // Deno ends the whole process with a `node:worker_threads` thread that awaits
        // nothing: a job may have broken the listener for messages.
        message.token.onmessage = () => {};
        return;
      case "stop":
        return void this.#stop();
      case "flow":
        if (link === undefined) return this.#wait(message);
        return link.receive(message.events);
      case "moving-jobs":
        if (link === undefined) return this.#wait(message);
        return this.#executor.receive(message.jobs, message.moved);
    }
  }

  /** Drops all jobs. They may continue, but nobody is notified. */
  abandon(): void {
    this.#waiting = [];
    this.#executor.abandon();
  }

  async #stop(): Promise<void> {
    try {
      const { stop } = await import("./stop.ts");
      await stop(this.#thread);
    } catch (error) {
      this.#thread.crash(error);
    }
  }

  #wait(message: LaterMessage): void {
    if (this.#waiting.length === 0) this.load();
    this.#waiting[this.#waiting.length] = message;
  }
}
