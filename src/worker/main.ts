// The entry of a worker: small, so that it starts soon. Shows that it lives, and
// hands what main says to the core, which loads meanwhile.

import type { FromWorker, InitMessage, Posted, ToWorker } from "../protocol.ts";
import { showLife } from "../threads/liveness.ts";
import type { Core } from "./core.ts";

/** Where a worker's messages come and go: its global scope, or a port. */
interface Scope extends EventTarget {
  readonly name?: string;
  postMessage(message: Posted, transfer?: Transferable[]): void;
  start?(): void;
}

let key = "";
let core: Core | undefined;
/** What came before the core was there. */
const early: ToWorker[] = [];
/** As they were before any job could overwrite them. */
const { preventDefault } = Event.prototype;
const { apply } = Reflect;
const { close } = globalThis as { close?: () => void };

/** Begins to work for whoever posts to this scope. */
export function listen(scope: Scope): void {
  const global = globalThis as unknown as Scope & { self?: unknown };
  // Some kinds of threads lack it, and modules for workers ask for it.
  global.self ??= global;
  const { postMessage } = scope;
  const post = (message: FromWorker, moves?: Transferable[]): void => {
    const posted: Posted = message === 0 ? message : [key, message];
    // Without a second argument Deno has a faster way.
    if (moves === undefined) apply(postMessage, scope, [posted]);
    else apply(postMessage, scope, [posted, moves]);
  };
  const life = showLife(global.name ?? "worker", (life) => {
    post({ kind: "alive", life });
  });
  const loading = Promise.all([import("./core.ts"), import("./next_turn.ts")]);

  async function start(init: InitMessage): Promise<void> {
    key = init.key;
    post({ kind: "alive", life: await life });
    const [{ openCore }, { nextTurn }] = await loading;
    try {
      core = await openCore(init, post, nextTurn);
    } catch (error) {
      return await tell("failed", error);
    }
    post({ kind: "ready" });
    for (const message of early) core.receive(message);
    core.loadRest();
  }

  async function tell(
    kind: "failed" | "crashed",
    error: unknown,
  ): Promise<void> {
    try {
      const { packError } = await import("../error_codec.ts");
      post({ kind, error: packError(error) });
    } catch {
      // A job has destroyed what that takes: main sees this thread end.
      close?.();
    }
  }

  /** An error that nobody caught: main replaces this worker, once it has all results. */
  function crash(event: Event, error: unknown): void {
    apply(preventDefault, event, []);
    tell("crashed", error);
  }

  scope.addEventListener("message", (event) => {
    // A job can dispatch events of its own.
    if (!event.isTrusted) return;
    const message = (event as MessageEvent<ToWorker>).data;
    if (core !== undefined) core.receive(message);
    else if (
      typeof message === "object" && "kind" in message &&
      message.kind === "init"
    ) start(message);
    else early.push(message);
  });
  scope.start?.();
  global.addEventListener("error", (event) => {
    crash(event, (event as ErrorEvent).error);
  });
  global.addEventListener("unhandledrejection", (event) => {
    crash(event, (event as PromiseRejectionEvent).reason);
  });
}

if (import.meta.main) listen(globalThis as unknown as Scope);
