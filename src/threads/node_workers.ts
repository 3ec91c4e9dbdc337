// `node:worker_threads`, which is loaded only when it is needed.

import process from "node:process";

/** The module. */
export function nodeWorkers(): typeof import("node:worker_threads") {
  return process.getBuiltinModule("node:worker_threads");
}
