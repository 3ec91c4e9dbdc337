// Runs that take long, of which the suite has short ones: all, or those named.
//
//   deno task test:long [transfers|model|chaos|hostile|soak …]
//     --scale 0.1    only so large a part of each
//     --seed 1       what is random begins here
//     --only TEXT    kinds, ways and targets whose names have this in them
import fc from "fast-check";
import { parseArgs } from "node:util";
import { chaos, CHAOS_KINDS, type ChaosKind } from "./chaos.ts";
import type * as hostileJobs from "./fixtures/hostile.ts";
import type * as transferJobs from "./fixtures/random_transfers.ts";
import { wrongAround } from "./hostile.ts";
import { act } from "./model/model.ts";
import { plays } from "./model/plays.ts";
import { poolOf } from "./pools.ts";
import { checkTransfers } from "./random_transfers.ts";
import { soakBare, soakPool } from "./soak.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const seed = Number(values.seed);
const scaled = (count: number) => Math.ceil(count * Number(values.scale));
const chosen = <T extends string>(names: readonly T[]) =>
  names.filter((name) => name.includes(values.only));

/** Each tells what it did, and throws where something is wrong. */
const RUNS: Record<string, () => Promise<void>> = {
  /** Random transfers arrive byte for byte, by bytes and by descriptor. */
  async transfers() {
    for (const connections of chosen(["bytes", "descriptor"])) {
      const options = { size: 2, concurrency: 4, connections };
      await using pool = poolOf<typeof transferJobs>(
        "random_transfers",
        options,
      );
      let done = 0;
      const count = scaled(10_000);
      const tell = () => console.log(`${done} of ${count} by ${connections}`);
      // A transfer that hangs is seen by what is not told any more.
      const timer = setInterval(tell, 10_000);
      await checkTransfers(pool, { seed, count }, () => done++);
      clearInterval(timer);
      tell();
    }
  },

  /** Random plays of a pool end as a small model of it says. */
  async model() {
    for (const isolation of chosen(["thread", "process"])) {
      const numRuns = scaled(isolation === "thread" ? 1_000 : 50);
      let acted = 0;
      const play = fc.asyncProperty(plays(50, isolation), async (play) => {
        await act(play);
        if (++acted % 100 === 0) console.log(`${acted} of ${numRuns} plays`);
      });
      // The play that has failed is told, not a smaller one, which would take long.
      await fc.assert(play, { seed, numRuns, endOnFailure: true });
      console.log(`${acted} plays of a pool whose isolation is ${isolation}`);
    }
  },

  /** A third of many jobs misbehave, on each kind of worker. */
  async chaos() {
    for (const kind of chosen(Object.keys(CHAOS_KINDS) as ChaosKind[])) {
      const report = await chaos(kind, { seed, jobs: scaled(20_000) });
      const { stats, workers, slowest, rss } = report;
      const { completed, failed, aborted, timedOut, crashed, lost } = stats;
      const counts = { completed, failed, aborted, timedOut, crashed, lost };
      const more = { workers, slowest: Math.round(slowest) };
      console.log(kind, { ...counts, ...more, rss: rss.map(Math.round) });
    }
  },

  /** Jobs replace all that their thread begins with, one thing after the other. */
  async hostile() {
    const hostilePool = () => poolOf<typeof hostileJobs>("hostile");
    await using finder = hostilePool();
    const targets = chosen(await finder.execute("targets"));
    const steps = targets.flatMap((target) =>
      (["throws", "garbage"] as const).map((way) => ({ target, way }))
    ).slice(0, scaled(2 * targets.length));
    let wrong = 0;
    async function checkOn(): Promise<void> {
      for (let step; (step = steps.pop());) {
        const { target, way } = step;
        await using pool = hostilePool();
        const misdeed = () => pool.execute("sabotage", [target, way]);
        const lines = await wrongAround(pool, misdeed);
        if (lines.length === 0) continue;
        wrong++;
        console.log(`WRONG ${target} ${way}\n  ${lines.join("\n  ")}`);
      }
    }
    await Promise.all([checkOn(), checkOn(), checkOn()]);
    console.log(`${targets.length} targets, ${wrong} wrong`);
    if (wrong > 0) throw new Error("A job has harmed others");
  },

  /** What memory many jobs and replaced workers take, beside as many bare workers. */
  async soak() {
    await soakPool(scaled(1_000_000), scaled(2_000));
    const flags = ["run", "-A", "--v8-flags=--expose-gc"];
    const args = [import.meta.filename!, "bare", "--scale", values.scale];
    await new Deno.Command(Deno.execPath(), {
      args: [...flags, ...args],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
  },
};

addEventListener("unhandledrejection", ({ reason }) => {
  console.error("Nobody handles a rejection:", reason);
  Deno.exit(1);
});

if (positionals[0] === "bare") await soakBare(scaled(2_000));
else {
  const names = positionals.length > 0 ? positionals : Object.keys(RUNS);
  for (const name of names) {
    if (!(name in RUNS)) throw new Error(`There is no run "${name}"`);
    const start = performance.now();
    await RUNS[name]();
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    console.log(`${name}: all right, in ${seconds} s`);
  }
}
