/**
 * Functions for handlers: the current job, `transfer()` for results, the worker's
 * data, and callbacks that run before the worker stops.
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
