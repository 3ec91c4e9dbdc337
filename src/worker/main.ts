// The entry of a worker: small, so that it starts soon. Shows that it lives, and
// hands what main says to the core, which loads meanwhile.

import { Board, WAKE } from "../wire/board.ts";
import { apply, isArray } from "../values/intrinsics.ts";
import type {
  FromWorker,
  InitMessage,
  PostedFromWorker,
  PostedToWorker,
  ToWorker,
} from "../wire/protocol.ts";
import type { Core } from "./core.ts";
import { watchErrors } from "./watch_errors.ts";

/** Where a worker's messages come and go: its global scope, or a port. */
interface Scope extends EventTarget {
  readonly name?: string;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  start?(): void;
}

let key = "";
let core: Core | undefined;
/** What came before the core was there. */
const early: ToWorker[] = [];
/** As they were before any job could overwrite them. */
const { stopImmediatePropagation } = Event.prototype;
const { close } = globalThis as { close?: () => void };
const { exit } = Deno;

// A message's data is set as if from outside: a setter would learn the key.
Object.defineProperty(MessageEvent.prototype, "data", {
  value: undefined,
  writable: true,
});

/** Before all that listen in any other way. */
const CAPTURE = { capture: true };
/** Anything without the key: main tells of it. */
const FORGED = "forged";

/** Begins to work for whoever posts to this scope. */
export function listen(scope: Scope): void {
  const global = globalThis as unknown as Scope & { self?: unknown };
  // Some kinds of threads lack it, and modules for workers ask for it.
  global.self ??= global;
  const { postMessage } = scope;
  const post = (message: FromWorker, moves?: Transferable[]): void => {
    const posted: PostedFromWorker = message === WAKE ? WAKE : [key, message];
    // Without a second argument Deno has a faster way.
    if (moves === undefined) apply(postMessage, scope, [posted]);
    else apply(postMessage, scope, [posted, moves]);
  };
  const loading = Promise.all([import("./core.ts"), import("./next_turn.ts")]);

  async function start(init: InitMessage): Promise<void> {
    key = init.key;
    const [{ openCore }, { nextTurn, renewTurns }] = await loading;
    try {
      const board = new Board(init.slots, init.board);
      core = await openCore(init, board, { post, nextTurn, renewTurns, crash });
    } catch (error) {
      return await tell("failed", error);
    }
    post({ kind: "ready" });
    for (let i = 0; i < early.length; i++) receive(core, early[i]);
    // Else the first jobs' arguments would stay for as long as the worker.
    early.length = 0;
    core.loadRest().catch(crash);
  }

  async function tell(
    kind: "failed" | "crashed",
    error: unknown,
  ): Promise<void> {
    try {
      const { packError } = await import("../values/error_codec.ts");
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

  function receive(core: Core, message: ToWorker): void {
    try {
      core.receive(message);
    } catch (error) {
      crash(error);
    }
  }

  scope.addEventListener("message", (event) => {
    const posted = (event as MessageEvent<PostedToWorker>).data;
    // A job can dispatch events of its own, and make them look like any other.
    const isOurs = isArray(posted)
      ? posted[0] === key
      : posted === WAKE || key === "";
    if (!isOurs) return apply(postMessage, scope, [FORGED]);
    // What main says is no job's business.
    apply(stopImmediatePropagation, event, []);
    if (isArray(posted) || posted === WAKE) {
      const message = posted === WAKE ? WAKE : posted[1];
      if (core === undefined) early[early.length] = message;
      else receive(core, message);
    } else start(posted);
  }, CAPTURE);
  scope.start?.();
  watchErrors(global, crash);
}

if (import.meta.main) listen(globalThis as unknown as Scope);
