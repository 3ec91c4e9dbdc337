// The entry of a worker: tells main that it lives, imports the module, and
// hands what main says to those whom it concerns.

import { Board } from "../board.ts";
import { packError } from "../error_codec.ts";
import { showLife } from "../liveness.ts";
import type { FromWorker, InitMessage, ToWorker } from "../protocol.ts";
import { Connections } from "./connections.ts";
import { Executor } from "./executor.ts";
import { Handlers } from "./handlers.ts";

/** What a worker's global scope has beside what every scope has. */
interface WorkerScope extends EventTarget {
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
let executor: Executor | undefined;
let connections: Connections | undefined;

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
      init.module === undefined ? {} : await import(init.module),
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
  } catch (error) {
    post({ kind: "failed", error: packError(error) });
  }
}

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "init":
      start(message);
      break;
    case "jobs":
      executor!.receive(message);
      break;
    case "abort":
      executor!.abort(message.seq, message.reason);
      break;
    default:
      connections!.receive(message);
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
