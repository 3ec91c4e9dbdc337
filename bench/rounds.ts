// Measures a workload on all pools, round by round, so that a slow minute of the
// machine falls on every one of them alike.
import { isBase, OWN } from "./contestants.ts";
import { measure } from "./process.ts";
import { label, type Measured } from "./report.ts";
import type { Contestant, Workload } from "./types.d.ts";

/** How much of the whole is run. */
export interface Effort {
  /** Processes per pool, instead of the workload's own number. */
  rounds?: number;
  /** One round of small counts. */
  quick: boolean;
}

/** All rounds of one workload; every other one goes backwards. */
export async function measureAll(
  name: string,
  workload: Workload,
  contestants: Contestant[],
  effort: Effort,
): Promise<Measured> {
  const measured: Measured = new Map();
  for (const contestant of contestants) {
    if (isBase(contestant.pool) && workload.raw === false) continue;
    measured.set(contestant, []);
  }
  const limits = effort.quick
    ? { seconds: 8, share: 0.02 }
    : { seconds: workload.limit, share: 1 };

  for (let round = 0, more = true; more; round++) {
    more = false;
    const order = [...measured];
    if (round % 2 === 1) order.reverse();
    for (const [contestant, past] of order) {
      const failed = past.some(({ failure }) => failure);
      if (failed || round >= rounds(workload, contestant, effort)) continue;
      const measurement = await measure(name, contestant, limits);
      past.push(measurement);
      more = true;
      console.error(
        `${name} ${round + 1}: ${label(contestant)}`,
        JSON.stringify(measurement.failure ?? measurement.figures),
      );
    }
  }
  return measured;
}

function rounds(workload: Workload, { pool }: Contestant, effort: Effort) {
  if (effort.rounds !== undefined) return effort.rounds;
  if (effort.quick) return 1;
  if (pool === OWN || isBase(pool)) return workload.rounds;
  return workload.peerRounds ?? workload.rounds;
}
