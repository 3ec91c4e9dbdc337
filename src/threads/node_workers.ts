// `node:worker_threads`, which is loaded only when it is needed.

import { nodeProcess } from "../values/node_process.ts";

/** The module. */
export function nodeWorkers(): typeof import("node:worker_threads") {
  return nodeProcess().getBuiltinModule("node:worker_threads");
}
