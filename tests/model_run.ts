// Many random plays, of which the test acts a few:
// deno run -A tests/model_run.ts --runs 1000 --steps 50 --seed 1
import fc from "fast-check";
import { parseArgs } from "node:util";
import { act } from "./model/model.ts";
import { type Isolation, plays } from "./model/plays.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    /** How many steps a play has at least. */
    steps: { type: "string", default: "50" },
    isolation: { type: "string", default: "thread" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    /** Whether a play that fails is made smaller, which takes long. */
    shrink: { type: "boolean", default: false },
  },
});
const [runs, least, seed] = [values.runs, values.steps, values.seed].map(
  Number,
);

addEventListener("unhandledrejection", ({ reason }) => {
  console.error("Nobody handles a rejection:", reason);
  Deno.exit(1);
});

console.log(`${runs} plays of at least ${least} steps, seed ${seed}`);
const start = performance.now();
let acted = 0;
let steps = 0;
await fc.assert(
  fc.asyncProperty(
    plays(least, values.isolation as Isolation),
    async (play) => {
      await act(play);
      steps += play.steps.length;
      if (++acted % 100 === 0) console.log(`${acted} acted`);
    },
  ),
  { seed, numRuns: runs, endOnFailure: !values.shrink },
);
const seconds = ((performance.now() - start) / 1_000).toFixed(1);
console.log(`${acted} plays of ${steps} steps, all right, in ${seconds} s`);
