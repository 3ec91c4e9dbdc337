// The options of a consumer's command line.
import { parseArgs } from "node:util";
import { REDIS } from "./queue.ts";

const { values } = parseArgs({
  options: {
    redis: { type: "string", default: REDIS },
    module: { type: "string", default: "examples/cluster/jobs.ts" },
    size: { type: "string", default: `${navigator.hardwareConcurrency}` },
    grace: { type: "string", default: "10000" },
    "abort-grace": { type: "string", default: "50" },
    "lock-duration": { type: "string", default: "30000" },
    "stalled-interval": { type: "string", default: "30000" },
  },
});

/** Where Redis is. */
export const redis = values.redis;
/** The module whose functions are the jobs. */
export const module = values.module;
/** How many jobs may run at once. */
export const size = Number(values.size);
/** So many ms jobs have to end once the consumer has been told to. */
export const grace = Number(values.grace);
/** So many ms a handler has to end once its job was aborted. */
export const abortGrace = Number(values["abort-grace"]);
/** So many ms after the last renewal a job belongs to nobody. */
export const lockDuration = Number(values["lock-duration"]);
/** So many ms lie between two searches for jobs that belong to nobody. */
export const stalledInterval = Number(values["stalled-interval"]);
