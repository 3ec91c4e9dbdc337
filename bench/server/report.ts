// Turns figures into text: ratios, tables, and what became of the targets.
import { markdownTable } from "markdown-table";
import { median } from "../stats.js";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A ratio as its rounds gave it. */
export interface Ratio {
  median: number;
  least: number;
  most: number;
}

/** What a figure is to be. */
export interface Target {
  text: string;
  /** Nothing where it could not be measured. */
  figure: number | undefined;
  atLeast?: number;
  atMost?: number;
}

/** The ratio of what was measured in the same rounds. */
export function ratio(
  ours: number[] = [],
  theirs: number[] = [],
): Ratio | undefined {
  const ratios = ours.slice(0, theirs.length).map((our, i) => our / theirs[i]);
  if (ratios.length === 0) return undefined;
  return {
    median: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
  };
}

/** A figure, or nothing where there is none. */
export function cell(figure: number | undefined): string {
  if (figure === undefined || Number.isNaN(figure)) return "";
  return number.format(figure);
}

/** The cells of a ratio: its median and its spread. */
export function ratioCells(ratio: Ratio | undefined): [string, string] {
  if (ratio === undefined) return ["", ""];
  const [middle, least, most] = [ratio.median, ratio.least, ratio.most]
    .map((value) => value.toFixed(2));
  return [middle, `${least} … ${most}`];
}

/** Prints a table with notes below. */
export function printTable(
  title: string,
  head: string[],
  rows: string[][],
  notes: string[] = [],
): void {
  const align = head.map((_, i) => i === 0 ? "l" : "r");
  console.log(`### ${title}\n`);
  console.log(`${markdownTable([head, ...rows], { align })}\n`);
  for (const note of notes) console.log(`- ${note}`);
  if (notes.length > 0) console.log();
}

/** Prints which targets are met. */
export function printTargets(targets: Target[]): void {
  console.log("### Targets\n");
  for (
    const { text, figure, atLeast = -Infinity, atMost = Infinity } of targets
  ) {
    const verdict = figure === undefined
      ? "not measured"
      : figure >= atLeast && figure <= atMost
      ? "pass"
      : "FALLS SHORT";
    const is = figure === undefined ? "" : `: ${cell(figure)}`;
    console.log(`${verdict.padEnd(12)} ${text}${is}`);
  }
}
