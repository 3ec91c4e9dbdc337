// Long runs, of which the test suite has short versions: all runs, or those named.
//
//   deno task test:long [transfers|model|chaos|hostile|soak …]
//     --scale 0.1    factor for the length of each run
//     --seed 1       seed of everything that is random
//     --only TEXT    only tests, ways and targets whose names contain this text
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type * as hostileJobs from "./fixtures/hostile.ts";
import { wrongAround } from "./hostile.ts";
import { poolOf } from "./pools.ts";
import { soakBare, soakPool } from "./soak.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const scaled = (count: number) => Math.ceil(count * Number(values.scale));
const chosen = <T extends string>(names: readonly T[]) =>
  names.filter((name) => name.includes(values.only));

/** Runs by name; each reports what it did, and throws if something is wrong. */
const RUNS: Record<string, () => Promise<void>> = {
  /** Random transfers arrive byte for byte, by bytes and by descriptor. */
  transfers: () =>
    testAtLength("random_transfers_test.ts", {
      TRANSFERS: `${scaled(10_000)}`,
    }),

  /** Random plays of a pool end as a small model of the pool predicts. */
  model: () =>
    testAtLength("model_test.ts", {
      MODEL_RUNS: `${scaled(1_000)}`,
      MODEL_SEED: values.seed,
    }),

  /** A third of many jobs misbehave, on each kind of worker. */
  chaos: () =>
    testAtLength("chaos_test.ts", {
      CHAOS_JOBS: `${scaled(20_000)}`,
      CHAOS_SEED: values.seed,
    }),

  /** Jobs replace everything that their thread begins with, one thing after the other. */
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

  /** Measures the memory of many jobs and replaced workers, against bare workers. */
  async soak() {
    await soakPool(scaled(1_000_000), scaled(2_000));
    const bare = ["bare", "--scale", values.scale];
    await deno(
      "run",
      "-A",
      "--v8-flags=--expose-gc",
      import.meta.filename!,
      ...bare,
    );
  },
};

/** Runs a test file whose length is set by environment variables. */
async function testAtLength(
  file: string,
  env: Record<string, string>,
): Promise<void> {
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  const path = fileURLToPath(new URL(file, import.meta.url));
  await deno("test", "-A", "--no-check", "--filter", values.only, path);
}

async function deno(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
}

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
