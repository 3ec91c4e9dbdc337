// The entry point of a worker, kept small so that workers start quickly. Passes
// main's messages to the receiver, which loads meanwhile.

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

/** Any message without the key: main reports it. */
const FORGED = "forged";

let key = "";
let receiver: Receiver | undefined;
/** Messages that came before the receiver was loaded. */
const early: LaterMessage[] = [];

// Saved so that no job can replace them.
const { stopImmediatePropagation } = Event.prototype;
const { close } = globalThis as { close?: () => void };
const { exit } = Deno;
const dataOf = keepData();

/** Starts to work for the thread that posts to this thread. */
export function listen(): void {
  const global = globalThis as unknown as EventTarget & {
    self?: unknown;
    postMessage(message: unknown, transfer?: Transferable[]): void;
  };
  // Some kinds of threads have no `self`, but modules for workers use it.
  global.self ??= global;
  const { postMessage } = global;
  const post = (message: FromWorker, moves?: Transferable[]): void => {
    const posted: PostedFromWorker = message === WAKE ? WAKE : [key, message];
    // Deno has a faster path without a second argument.
    if (moves === undefined) apply(postMessage, global, [posted]);
    else apply(postMessage, global, [posted, moves]);
  };
  const loading = import("./receiver.ts");

  async function start(init: InitMessage): Promise<void> {
    key = init.key;
    post({ kind: "begun" });
    const { openReceiver } = await loading;
    const board = new Board(init.slots, init.board);
    // Main lets this thread read its first message before it ends the thread.
    if (board.isEnded) return;
    try {
      const thread = { init, board, post, nextTurn, pause, renewTurns, crash };
      receiver = await openReceiver(thread);
    } catch (error) {
      return await tell("failed", error);
    }
    post({ kind: "ready" });
    for (let i = 0; i < early.length; i++) receiver.receive(early[i]);
    // Otherwise the first jobs' arguments would stay as long as the worker.
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
      // A job has broken what this needs; main detects the end of the thread.
      if (close) close();
      else exit();
    }
  }

  /** Reports an uncaught error: main replaces this worker once it has all results. */
  function crash(error: unknown): void {
    tell("crashed", error);
  }

  // Captures, so this listener runs before all listeners without capture.
  global.addEventListener("message", (event) => {
    const posted = dataOf(event);
    // A job can dispatch its own events, and make them look like any other event.
    const isOurs = isArray(posted)
      ? posted[0] === key
      : posted === WAKE || key === "";
    if (!isOurs) return apply(postMessage, global, [FORGED]);
    // Jobs must not see main's messages.
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
 * Returns how to read a message's data even if a job changes `MessageEvent`: the
 * job must not learn the key. Deno has no getter, but sets a property, which would
 * call a setter in the prototype. So this prevents such a setter.
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
