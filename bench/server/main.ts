// Measures servers whose connections are jobs: `deno task bench:server --help` says how.
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { CONTESTANTS } from "./contestants.ts";
import { EXAMPLE } from "./example.ts";
import type { Effort } from "./effort.ts";
import { generator } from "./generator.ts";
import { HOLDINGS, measureHolding } from "./holding.ts";
import { LOADS, measureLoad } from "./load.ts";
import { printTargets, type Target } from "./report.ts";
import { WAYS } from "./stream_ways.ts";
import { measureStreams } from "./streams.ts";

/** One table, or a group of them, that can be measured alone. */
interface Part {
  name: string;
  group: string;
  measure(): Promise<Target[]>;
}

const HELP = `deno task bench:server [options]

  --only NAME        only this table or group; may be repeated:
                     http: short-trivial, short-2ms, keep-trivial, keep-2ms
                     streams: stream-in, stream-out
                     holding: slow-reader, idle, flood
  --contestant NAME  only this row; may be repeated. Ratios need plain, or direct
                     http: ${CONTESTANTS.map(({ name }) => name).join(", ")}
                     short-trivial: ${EXAMPLE.name}
                     streams: ${WAYS.map(({ name }) => name).join(", ")}
                     holding: pool, descriptor, plain
  --rounds N         rounds of http and streams (5)
  --seconds N        seconds of load in a round (2)
  --mib N            size of a stream (1024)
  --concurrency N    the pool's, as the example server's (64)
  --clock            2 ms of work are by the clock instead of counted
  --quick            small counts: does everything still run?
  --full             the slow reader reads all its 100 MiB
  --help             this text`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    contestant: { type: "string", multiple: true, default: [] },
    rounds: { type: "string" },
    seconds: { type: "string" },
    mib: { type: "string" },
    concurrency: { type: "string" },
    clock: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const by = await generator();
  const effort = readEffort();
  const parts: Part[] = [
    ...LOADS.map((load): Part => ({
      name: load.name,
      group: "http",
      measure: () => measureLoad(load, by, effort),
    })),
    ...(["in", "out"] as const).map((direction): Part => ({
      name: `stream-${direction}`,
      group: "streams",
      measure: () => measureStreams(direction, effort),
    })),
    ...HOLDINGS.map((holding): Part => ({
      name: holding.name,
      group: "holding",
      measure: () => measureHolding(holding, effort),
    })),
  ];
  checkNames("only", flags.only, parts.flatMap((p) => [p.name, p.group]));
  checkNames("contestant", flags.contestant, [
    ...CONTESTANTS.map(({ name }) => name),
    EXAMPLE.name,
    ...WAYS.map(({ name }) => name),
  ]);

  console.log(`${machine()}; ${by}\n`);
  const targets: Target[] = [];
  for (const { name, group, measure } of parts) {
    const isWanted = flags.only.length === 0 || flags.only.includes(name) ||
      flags.only.includes(group);
    if (isWanted) targets.push(...await measure());
  }
  printTargets(targets);
}

function readEffort(): Effort {
  const { quick, full, clock, contestant: contestants } = flags;
  return {
    rounds: count("rounds", quick ? 1 : 5),
    seconds: count("seconds", quick ? 1 : 2),
    mib: count("mib", quick ? 128 : 1024),
    concurrency: count("concurrency", 64),
    slowSeconds: full ? 100 : quick ? 3 : 20,
    idle: quick ? 500 : 5_000,
    flood: quick ? 1_000 : 20_000,
    clock,
    contestants,
  };
}

function count(
  flag: "rounds" | "seconds" | "mib" | "concurrency",
  usual: number,
): number {
  const text = flags[flag];
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${flag}: expected a positive integer, got ${text}`);
}

function checkNames(flag: string, names: string[], known: string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const all = [...new Set(known)].join(", ");
    throw new RangeError(`${flag}: expected one of ${all}, got ${name}`);
  }
}

/** Date, machine and version, in one line. */
function machine(): string {
  return [
    new Date().toISOString().slice(0, 10),
    `${availableParallelism()} cores (${cpus()[0].model}), ${Deno.build.os}`,
    `Deno ${Deno.version.deno}`,
  ].join("; ");
}
