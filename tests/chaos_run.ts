// Chaos on each kind of worker, or on one, with many more jobs than the test's:
// deno run -A --unstable-worker-options tests/chaos_run.ts --kind web --seed 1
import { parseArgs } from "node:util";
import { chaos, CHAOS_KINDS, type ChaosKind } from "./chaos.ts";

const { values } = parseArgs({
  options: {
    kind: { type: "string", multiple: true },
    seed: { type: "string", default: "1" },
    /** How many seeds, from that one on. */
    seeds: { type: "string", default: "1" },
    jobs: { type: "string", default: "20000" },
  },
});
addEventListener("unhandledrejection", ({ reason }) => {
  console.error("Nobody handles a rejection:", reason);
  Deno.exit(1);
});

const kinds = (values.kind ?? Object.keys(CHAOS_KINDS)) as ChaosKind[];
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  for (const kind of kinds) await run(kind, seed);
}

async function run(kind: ChaosKind, seed: number): Promise<void> {
  const jobs = Number(values.jobs);
  const start = performance.now();
  const label = `${kind}, seed ${seed}`;
  try {
    const { stats, workers, slowest, rss } = await chaos(kind, {
      seed,
      jobs,
    });
    const { completed, failed, aborted, timedOut, crashed, lost } = stats;
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    console.log(
      `${label}: ${jobs} jobs, all settled, in ${seconds} s, the slowest in ${
        Math.round(slowest)
      } ms. ${completed} completed, ${failed} failed, ${aborted} aborted, ${timedOut} timed out; of ${workers} workers ${crashed} crashed, ${lost} were lost. Memory ${
        rss.map(Math.round).join(" to ")
      } MiB`,
    );
  } catch (error) {
    console.error(`${label}:`, error);
    Deno.exit(1);
  }
}
