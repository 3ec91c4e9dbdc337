/**
 * What a handler may want: the job that it executes, and results that move.
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
export { transfer } from "../values/transfer.ts";
