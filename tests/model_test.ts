// Tests that random steps with a pool, in any order, give the results of the contract.
// For many more plays, run: deno task test:long model --seed 1
import fc from "fast-check";
import { act } from "./model/model.ts";
import { plays } from "./model/plays.ts";

const ALL = Deno.env.get("MODEL_RUNS");
const SEED = Deno.env.get("MODEL_SEED");

/** Number of plays. Processes start slowly. */
const RUNS = { thread: 8, process: 2, none: 8 };

for (const isolation of ["thread", "process", "none"] as const) {
  Deno.test(`random plays of a pool end as its model predicts (${isolation})`, async () => {
    // A busy machine gets through fewer plays, but each ends.
    const end = performance.now() + 12_000;
    const play = fc.asyncProperty(plays(isolation), async (steps) => {
      if (ALL !== undefined || performance.now() < end) await act(steps);
    });
    await fc.assert(play, {
      numRuns: Number(ALL ?? RUNS[isolation]),
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      // Report the play that has failed: shrinking it would take long.
      endOnFailure: true,
    });
  });
}
