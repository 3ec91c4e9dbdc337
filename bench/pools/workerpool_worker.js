// The jobs in the form that workerpool takes: methods registered by name.
import workerpool from "workerpool";
import * as jobs from "../jobs.js";

workerpool.worker({
  ...jobs,
  /** @param {ArrayBuffer} buffer */
  move: (buffer) => new workerpool.Transfer(buffer, [buffer]),
});
