// Lets jobs replace, one after the other, all that their thread begins with, of
// which a test takes a sample:
// deno run -A tests/hostile_sweep_run.ts --only Array --concurrency 1 --crashes
import { parseArgs } from "node:util";
import { checkTarget, findTargets, type Way } from "./hostile_sweep.ts";
import { nameOf } from "./hostile_targets.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    concurrency: { type: "string", default: "1" },
    "hard-kill": { type: "boolean", default: false },
    /** Whether to tell of workers that crashed, too. */
    crashes: { type: "boolean", default: false },
    parallel: { type: "string", default: "3" },
  },
});
const options = {
  concurrency: Number(values.concurrency),
  hardKill: values["hard-kill"],
};
/** A worker that is noticed to be silent only after so many ms. */
const SLOW = 2_000;

const targets = await findTargets();
const ways: Way[] = ["throws", "garbage"];
const checks = targets.flatMap((target) => ways.map((way) => ({ target, way })))
  .filter(({ target }) => nameOf(target).includes(values.only));
const counts = { right: 0, crashed: 0, slow: 0, wrong: 0 };
const start = performance.now();
let next = 0;

async function checkOn(): Promise<void> {
  while (next < checks.length) {
    const { target, way } = checks[next++];
    const { wrong, crashed, time } = await checkTarget(target, way, options);
    const what = `${nameOf(target)} ${way}`;
    const isSlow = time > SLOW;
    if (wrong.length > 0) {
      counts.wrong++;
      console.log(`WRONG ${what}\n  ${wrong.join("\n  ")}`);
    } else if (isSlow) console.log(`SLOW ${what}: ${time | 0} ms`);
    else if (crashed > 0 && values.crashes) {
      console.log(`CRASH ${what}: ${crashed} jobs`);
    }
    if (isSlow) counts.slow++;
    else if (crashed > 0) counts.crashed++;
    else if (wrong.length === 0) counts.right++;
  }
}

await Promise.all(Array.from({ length: Number(values.parallel) }, checkOn));
const seconds = ((performance.now() - start) / 1_000).toFixed(1);
console.log(checks.length, "replacements", counts, `in ${seconds} s`);
if (counts.wrong > 0) Deno.exit(1);
