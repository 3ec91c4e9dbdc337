// The jobs in the form that this pool takes: a plain module.
import { transfer } from "../../src/worker/mod.ts";
export * from "../jobs.js";

/** @param {ArrayBuffer} buffer */
export function move(buffer) {
  return transfer(buffer);
}
