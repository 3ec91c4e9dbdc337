// The tests of what servers hold: one after the other, a row for each server.
import { CONTESTANTS } from "./contestants.ts";
import { type Effort, wanted } from "./effort.ts";
import { flood } from "./flood.ts";
import type { Held, Holding } from "./held.ts";
import { idle } from "./idle.ts";
import { printTable, type Target } from "./report.ts";
import { log } from "./rounds.ts";
import { slowReader } from "./slow_reader.ts";

const SERVERS = ["pool", "descriptor", "plain"];

/** All tests. */
export const HOLDINGS: Holding[] = [slowReader, idle, flood];

/** Measures one test and prints it. */
export async function measureHolding(
  { name, title, head, measure, targets }: Holding,
  effort: Effort,
): Promise<Target[]> {
  const rows: string[][] = [];
  const notes: string[] = [];
  let own: Held | undefined;
  for (const contestant of wanted(CONTESTANTS, effort)) {
    if (!SERVERS.includes(contestant.name)) continue;
    try {
      const held = await measure(contestant, effort);
      rows.push([contestant.title, ...held.cells]);
      log(`${name}: ${contestant.name} ${held.cells.join(" ")}`);
      if (contestant.name === "pool") own = held;
    } catch (error) {
      notes.push(
        `${contestant.title}: ${
          error instanceof Error ? error.message : error
        }`,
      );
    }
  }
  printTable(`${name}: ${title(effort)}`, ["", ...head], rows, notes);
  return targets.map((target, i) => ({
    ...target,
    text: `${name}: ${target.text}`,
    figure: own?.figures[i],
  }));
}
