// Turns the figures of all rounds into results, and results into tables.
import { markdownTable } from "markdown-table";
import { FLOOR, OWN, RAW } from "./contestants.ts";
import { median } from "./stats.js";
import type { Contestant, Measurement, Result, Workload } from "./types.d.ts";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Everything that was measured of one workload: the rounds of each row. */
export type Measured = Map<Contestant, Measurement[]>;

/** Medians of the rounds, and how many times this pool is ahead of each row. */
export function summarise(
  name: string,
  workload: Workload,
  measured: Measured,
): Result[] {
  const results = [...measured].map(([contestant, measurements]): Result => {
    const samples: Record<string, number[]> = {};
    for (const metric of Object.keys(workload.metrics)) {
      const values = measurements.map(({ figures }) => figures[metric])
        .filter((value) => value !== undefined);
      if (values.length > 0) samples[metric] = values;
    }
    return {
      workload: name,
      ...contestant,
      samples,
      medians: mapValues(samples, median),
      ratios: {},
      failure: measurements.find(({ failure }) => failure)?.failure,
    };
  });
  const own = results.find(({ pool }) => pool === OWN);
  for (const result of results) {
    if (own === undefined || result === own) continue;
    for (const [metric, value] of Object.entries(result.medians)) {
      const ours = own.medians[metric];
      if (ours === undefined) continue;
      const more = workload.metrics[metric].better === "more";
      result.ratios[metric] = more ? ours / value : value / ours;
    }
  }
  return results;
}

/** One table as Markdown: a row per pool, a column per metric, failures below. */
export function table(workload: Workload, results: Result[]): string {
  const metrics = Object.keys(workload.metrics);
  const rows = results.map((result) => [
    label(result),
    ...metrics.map((metric) => cell(result, metric)),
  ]);
  const text = markdownTable([["", ...metrics], ...rows], {
    align: ["l", ...metrics.map(() => "r")],
  });
  const notes = results.filter(({ failure }) => failure?.startsWith("fails"))
    .map((result) => `- ${label(result)} ${result.failure}\n`);
  return [`### ${workload.title}\n`, `${text}\n`, ...notes].join("\n");
}

const TITLES = new Map([
  [RAW, "raw `postMessage`"],
  [FLOOR, "no pool: jobs alone"],
]);

/** What the tables call a row. */
export function label({ pool, runtime }: Contestant): string {
  return `${TITLES.get(pool) ?? pool}, ${runtime}`;
}

function cell({ medians, ratios, failure }: Result, metric: string): string {
  const value = medians[metric];
  if (value === undefined) return failure?.split(":")[0] ?? "";
  const ratio = ratios[metric];
  const text = number.format(value);
  return ratio === undefined ? text : `${text} (${number.format(ratio)} ×)`;
}

function mapValues<A, B>(
  record: Record<string, A>,
  change: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, change(value)]),
  );
}
