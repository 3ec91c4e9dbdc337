// The entry of a worker: tells main that it lives, imports the module, and
// hands what main says to those whom it concerns.

import { Board } from "../board.ts";
import { packError } from "../error_codec.ts";
import { showLife } from "../liveness.ts";
import type { FromWorker, InitMessage, ToWorker } from "../protocol.ts";
import { Connections } from "./connections.ts";
import { Executor } from "./executor.ts";
import { Handlers } from "./handlers.ts";
import { importModule } from "./import_module.ts";

/** What a worker's global scope has beside what every scope has. */
interface WorkerScope extends EventTarget {
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
let executor: Executor | undefined;
let connections: Connections | undefined;
/** What came before the module was imported. */
const early: ToWorker[] = [];

function post(message: FromWorker, moves?: Transferable[]): void {
  // Without a second argument Deno has a faster way.
  if (moves === undefined) scope.postMessage(message);
  else scope.postMessage(message, moves);
}

async function start(init: InitMessage): Promise<void> {
  await showLife(init.lock);
  post({ kind: "alive" });
  try {
    const handlers = new Handlers(
      init.module === undefined ? {} : await importModule(init.module),
    );
    connections = new Connections(post);
    executor = new Executor(
      init,
      new Board(init.board),
      handlers,
      connections,
      post,
    );
    post({ kind: "ready" });
    for (const message of early) receive(message);
  } catch (error) {
    post({ kind: "failed", error: packError(error) });
  }
}

function receive(message: ToWorker): void {
  if (executor === undefined || connections === undefined) {
    if ("kind" in message && message.kind === "init") start(message);
    else early.push(message);
  } else if (Array.isArray(message)) executor.receive(message);
  else {
    switch (message.kind) {
      case "functions":
        executor.define(message.definitions);
        break;
      case "connected-job":
        executor.receive(message.job, message.connections);
        break;
      case "abort":
        executor.abort(message.seq, message.reason);
        break;
      case "init":
        break;
      default:
        connections.receive(message);
    }
  }
}

/** An error that nobody caught: main replaces this worker, once it has all results. */
function crash(event: Event, error: unknown): void {
  event.preventDefault();
  post({ kind: "crashed", error: packError(error) });
}

scope.addEventListener(
  "message",
  (event) => receive((event as MessageEvent).data),
);
scope.addEventListener(
  "error",
  (event) => crash(event, (event as ErrorEvent).error),
);
scope.addEventListener("unhandledrejection", (event) => {
  crash(event, (event as PromiseRejectionEvent).reason);
});
