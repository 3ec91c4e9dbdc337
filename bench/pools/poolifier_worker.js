// The jobs in the form that poolifier takes: a worker with task functions.
import { ThreadWorker } from "poolifier";
import * as jobs from "../jobs.js";

/** @type {Record<string, (data: any) => unknown>} */
const functions = {
  ...jobs,
  // It has no transfer on the way back: the result is copied.
  move: jobs.noop,
};

export default new ThreadWorker(functions);
