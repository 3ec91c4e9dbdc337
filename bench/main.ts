// Measures this pool beside the others: `deno task bench --help` says how.
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { chart } from "./chart.ts";
import { contestants, nodeVersion, OWN } from "./contestants.ts";
import packages from "./package.json" with { type: "json" };
import { summarise, table } from "./report.ts";
import { type Effort, measureAll } from "./rounds.ts";
import type { Contestant, Result, Workload } from "./types.d.ts";

const HELP = `deno task bench [options]

  --workload NAME   only this workload; may be repeated
  --pool NAME       only this pool; may be repeated
  --rounds N        processes per pool and workload, instead of each workload's own
  --quick           one round of small counts: does everything still run?
  --json            print JSON; the tables go to the error output
  --svg FILE        draw burst, burst-object and sequence
  --help            this text`;

const WORKLOADS = [
  "burst",
  "burst-object",
  "sequence",
  "factorial",
  "skew",
  "hold-up",
  "move",
  "move-small",
  "clone",
  "clone-map",
  "queue",
  "start",
  "scaling",
];

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    workload: { type: "string", multiple: true, default: WORKLOADS },
    pool: { type: "string", multiple: true },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    svg: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const print = options.json ? console.error : console.log;
  const workloads = new Map<string, Workload>();
  for (const name of options.workload) workloads.set(name, await load(name));
  const pools = await contestants(options.pool);
  const setting = await describe(pools);
  const effort: Effort = { rounds: rounds(), quick: options.quick };

  print(`${setting}\n\nMedians; (n ×): spindle is n times ahead.\n`);
  const results: Result[] = [];
  for (const [name, workload] of workloads) {
    const measured = await measureAll(name, workload, pools, effort);
    const rows = summarise(name, workload, measured);
    results.push(...rows);
    print(table(workload, rows));
  }
  if (options.svg) {
    await Deno.writeTextFile(options.svg, chart(results, setting));
  }
  if (options.json) console.log(JSON.stringify({ setting, results }, null, 2));
  if (results.some(({ pool, failure }) => pool === OWN && failure)) {
    Deno.exitCode = 1;
  }
}

function rounds(): number | undefined {
  if (options.rounds === undefined) return undefined;
  const rounds = Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(
      `rounds: expected a positive integer, got ${options.rounds}`,
    );
  }
  return rounds;
}

async function load(name: string): Promise<Workload> {
  if (!WORKLOADS.includes(name)) {
    throw new RangeError(
      `workload: expected one of ${WORKLOADS.join(", ")}, got ${name}`,
    );
  }
  return (await import(`./workloads/${name.replaceAll("-", "_")}.js`)).default;
}

/** Date, machine and versions, in one line. */
async function describe(pools: Contestant[]): Promise<string> {
  const peers = Object.entries(packages.dependencies)
    .filter(([name]) => pools.some(({ pool }) => pool === name))
    .map(([name, version]) => `${name} ${version}`);
  const node = await nodeVersion();
  return [
    new Date().toISOString().slice(0, 10),
    `${availableParallelism()} cores (${cpus()[0].model}), ${Deno.build.os}`,
    `Deno ${Deno.version.deno}${node ? `, Node ${node.slice(1)}` : ""}`,
    peers.join(", "),
  ].join("; ");
}
