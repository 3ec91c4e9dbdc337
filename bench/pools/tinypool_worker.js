// The jobs in the form that tinypool takes: a module whose exports are picked by name.
import Tinypool from "tinypool";
export * from "../jobs.js";

/** @param {ArrayBuffer} buffer */
export function move(buffer) {
  return Tinypool.move(buffer);
}
