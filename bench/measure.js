// Measures one workload on one pool in this process, under Deno or Node, and
// prints a line of JSON per figure: `measure.js WORKLOAD POOL SHARE`.
import { writeSync } from "node:fs";
import process from "node:process";

const [workload, pool, share] = process.argv.slice(2);
const { default: { measure } } = await import(
  `./workloads/${workload.replaceAll("-", "_")}.js`
);
const { open } = await import(`./pools/${pool}.js`);

await measure({
  open,
  count: (/** @type {number} */ full) =>
    Math.max(1, Math.round(full * Number(share))),
  report(/** @type {string} */ metric, /** @type {number} */ value) {
    writeSync(1, JSON.stringify({ metric, value }) + "\n");
  },
});
process.exit(0);
