// The entry of a worker: small, so that it starts soon. Hands what main says to the
// receiver, which loads meanwhile.

import { Board } from "../wire/board.ts";
import {
  type FromWorker,
  type InitMessage,
  type PostedFromWorker,
  type PostedToWorker,
  WAKE,
} from "../wire/protocol.ts";
import { apply, isArray } from "../values/intrinsics.ts";
import type { LaterMessage, Receiver } from "./receiver.ts";
import { nextTurn, pause, renewTurns, watchErrors } from "./own_thread.ts";

/** Anything without the key: main tells of it. */
const FORGED = "forged";

let key = "";
let receiver: Receiver | undefined;
/** What came before the receiver was there. */
const early: LaterMessage[] = [];

// No job must be able to replace these.
const { stopImmediatePropagation } = Event.prototype;
const { close } = globalThis as { close?: () => void };
const { exit } = Deno;
const dataOf = keepData();

/** Begins to work for the one that posts to this thread. */
export function listen(): void {
  const global = globalThis as unknown as EventTarget & {
    self?: unknown;
    postMessage(message: unknown, transfer?: Transferable[]): void;
  };
  // Some kinds of threads lack it, and modules for workers ask for it.
  global.self ??= global;
  const { postMessage } = global;
  const post = (message: FromWorker, moves?: Transferable[]): void => {
    const posted: PostedFromWorker = message === WAKE ? WAKE : [key, message];
    // Without a second argument Deno has a faster way.
    if (moves === undefined) apply(postMessage, global, [posted]);
    else apply(postMessage, global, [posted, moves]);
  };
  const loading = import("./receiver.ts");

  async function start(init: InitMessage): Promise<void> {
    key = init.key;
    post({ kind: "begun" });
    const { openReceiver } = await loading;
    const board = new Board(init.slots, init.board);
    // Main lets this thread read its first message before it ends it.
    if (board.isEnded) return;
    try {
      const thread = { init, board, post, nextTurn, pause, renewTurns, crash };
      receiver = await openReceiver(thread);
    } catch (error) {
      return await tell("failed", error);
    }
    post({ kind: "ready" });
    for (let i = 0; i < early.length; i++) receiver.receive(early[i]);
    // Else the first jobs' arguments would stay for as long as the worker.
    early.length = 0;
  }

  async function tell(
    kind: "failed" | "crashed",
    error: unknown,
  ): Promise<void> {
    try {
      const { packError } = await import("../values/pack_error.ts");
      post({ kind, error: packError(error) });
    } catch {
      // A job has destroyed what that takes: main sees this thread end.
      if (close) close();
      else exit();
    }
  }

  /** An error that nobody caught: main replaces this worker, once it has all results. */
  function crash(error: unknown): void {
    tell("crashed", error);
  }

  // Before all that listen in any other way.
  global.addEventListener("message", (event) => {
    const posted = dataOf(event);
    // A job can dispatch events of its own, and make them look like any other.
    const isOurs = isArray(posted)
      ? posted[0] === key
      : posted === WAKE || key === "";
    if (!isOurs) return apply(postMessage, global, [FORGED]);
    // What main says is no job's business.
    apply(stopImmediatePropagation, event, []);
    if (isArray(posted) || posted === WAKE) {
      const message = posted === WAKE ? WAKE : posted[1];
      if (receiver === undefined) early[early.length] = message;
      else receiver.receive(message);
    } else start(posted);
  }, { capture: true });
  watchErrors(global, crash);
}

/**
 * How a message's data is read, whatever a job does to the class of messages: it
 * must not learn the key. Deno has no getter, but sets a property, for which a
 * setter in the prototype would be called, so none can be put there any more.
 */
function keepData(): (event: Event) => PostedToWorker {
  const { prototype } = MessageEvent;
  const getter = Object.getOwnPropertyDescriptor(prototype, "data")?.get;
  if (getter) return (event) => apply(getter, event, []) as PostedToWorker;
  Object.defineProperty(prototype, "data", {
    value: undefined,
    writable: true,
  });
  return (event) => (event as MessageEvent<PostedToWorker>).data;
}

if (import.meta.main) listen();
