/**
 * What a handler may want: the job that it executes, results that move, what its
 * worker was given, and what that does before it ends.
 *
 * ```ts
 * import { currentJob, transfer } from "@spindle/thread-pool/worker";
 *
 * export function invert(pixels: Uint8Array): Uint8Array {
 *   console.log(`worker ${currentJob()?.workerId} inverts`);
 *   return transfer(pixels.map((value) => 255 - value));
 * }
 * ```
 *
 * @module
 */

export { type CurrentJob, currentJob } from "./current_job.ts";
export { onStop } from "./on_stop.ts";
export { workerData } from "./worker_data.ts";
export { transfer } from "../values/transfer.ts";
