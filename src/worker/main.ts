// The entry of a worker: small, so that it starts soon. Shows that it lives, and
// hands what main says to the core, which loads meanwhile.

import { showLife } from "../liveness.ts";
import type { FromWorker, InitMessage, ToWorker } from "../protocol.ts";
import type { Core } from "./core.ts";

/** What a worker's global scope has beside what every scope has. */
interface WorkerScope extends EventTarget {
  readonly name: string;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const life = showLife(scope.name);
const loading = import("./core.ts");
let core: Core | undefined;
/** What came before the core was there. */
const early: ToWorker[] = [];

function post(message: FromWorker, moves?: Transferable[]): void {
  // Without a second argument Deno has a faster way.
  if (moves === undefined) scope.postMessage(message);
  else scope.postMessage(message, moves);
}

function receive(message: ToWorker): void {
  if (core !== undefined) core.receive(message);
  else if (
    typeof message === "object" && "kind" in message && message.kind === "init"
  ) start(message);
  else early.push(message);
}

async function start(init: InitMessage): Promise<void> {
  post({ kind: "alive", life: await life });
  const { openCore } = await loading;
  try {
    core = await openCore(init, post);
  } catch (error) {
    return await tell("failed", error);
  }
  post({ kind: "ready" });
  for (const message of early) core.receive(message);
  core.loadRest();
}

async function tell(kind: "failed" | "crashed", error: unknown): Promise<void> {
  const { packError } = await import("../error_codec.ts");
  post({ kind, error: packError(error) });
}

/** An error that nobody caught: main replaces this worker, once it has all results. */
function crash(event: Event, error: unknown): void {
  event.preventDefault();
  tell("crashed", error);
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
