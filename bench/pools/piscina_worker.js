// The jobs in the form that piscina takes: a module whose exports are picked by name.
import Piscina from "piscina";
export * from "../jobs.js";

/** @param {ArrayBuffer} buffer */
export function move(buffer) {
  return Piscina.move(buffer);
}
