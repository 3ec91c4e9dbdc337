// Whatever is done with a pool, in whatever order, leads to what the contract says.
// Many more plays: deno task test:long model --seed 1
import fc from "fast-check";
import { act } from "./model/model.ts";
import { plays } from "./model/plays.ts";

const ALL = Deno.env.get("MODEL_RUNS");
const SEED = Deno.env.get("MODEL_SEED");

/** Each process takes a while to start. */
const RUNS = { thread: 8, process: 2, none: 8 };

for (const isolation of ["thread", "process", "none"] as const) {
  Deno.test(`random plays of a pool end as a model of it says (${isolation})`, async () => {
    await fc.assert(fc.asyncProperty(plays(isolation), act), {
      numRuns: Number(ALL ?? RUNS[isolation]),
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      // The play that has failed is told, not a smaller one, which would take long.
      endOnFailure: true,
      ...(ALL === undefined ? { interruptAfterTimeLimit: 12_000 } : {}),
    });
  });
}
