// Whatever is done with a pool, in whatever order, leads to what the contract says.
// `deno task test:long model` does the same with many more plays.
import fc from "fast-check";
import { poolTest } from "./live_workers.ts";
import { act } from "./model/model.ts";
import { plays } from "./model/plays.ts";

const RUNS = Number(Deno.env.get("MODEL_RUNS") ?? 12);

poolTest("random plays of a pool end as a model of it says", async () => {
  await fc.assert(fc.asyncProperty(plays(30), act), {
    numRuns: RUNS,
    // The play that has failed is told, not a smaller one, which would take long.
    endOnFailure: true,
    interruptAfterTimeLimit: 12_000,
  });
});

/** Each process takes a while to start. */
const PROCESS_RUNS = Number(Deno.env.get("MODEL_RUNS") ?? 3);

poolTest("random plays of a pool of processes end likewise", async () => {
  await fc.assert(fc.asyncProperty(plays(20, "process"), act), {
    numRuns: PROCESS_RUNS,
    endOnFailure: true,
    interruptAfterTimeLimit: 12_000,
  });
});
