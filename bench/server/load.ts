// HTTP requests, short and kept alive, cheap and dear: how many a second each server answers.
import { median } from "../stats.js";
import { burn } from "../jobs.js";
import { type Contestant, CONTESTANTS, startServer } from "./contestants.ts";
import { type Effort, wanted } from "./effort.ts";
import { EXAMPLE, startExample } from "./example.ts";
import { type Generator, load, type LoadFigures } from "./generator.ts";
import type { Work } from "./http.ts";
import { cpuTime, wakeUps } from "./proc.ts";
import { cell, printTable, ratio, ratioCells, type Target } from "./report.ts";
import { interleave, type Rounds } from "./rounds.ts";

const CLIENTS = 16;
const BUSY_MS = 2;

/** One table. */
export interface HttpLoad {
  name: string;
  title: string;
  keepAlive: boolean;
  busy: boolean;
}

/** All tables. */
export const LOADS: HttpLoad[] = [
  {
    name: "short-trivial",
    title: "one request a connection, trivial handler",
    keepAlive: false,
    busy: false,
  },
  {
    name: "short-2ms",
    title: "one request a connection, 2 ms of work",
    keepAlive: false,
    busy: true,
  },
  {
    name: "keep-trivial",
    title: "connections kept alive, trivial handler",
    keepAlive: true,
    busy: false,
  },
  {
    name: "keep-2ms",
    title: "connections kept alive, 2 ms of work",
    keepAlive: true,
    busy: true,
  },
];

type Row = Contestant | typeof EXAMPLE;

interface Figures extends LoadFigures {
  /** Microseconds of CPU that the server took for an answer. */
  cpu: number | undefined;
  /** Threads of the server that were woken for an answer. */
  woken: number | undefined;
}

/** Measures one table and prints it. */
export async function measureLoad(
  { name, title, keepAlive, busy }: HttpLoad,
  by: Generator,
  effort: Effort,
): Promise<Target[]> {
  const all = name === "short-trivial"
    ? [...CONTESTANTS, EXAMPLE]
    : CONTESTANTS;
  const contestants = wanted<Row>(all, effort);
  const work = busy ? busyWork(effort.clock) : { steps: 0, ms: 0, mib: 0 };
  const { concurrency } = effort;

  const measured = await interleave(
    name,
    contestants,
    effort.rounds,
    async (contestant): Promise<Figures> => {
      await using server = "module" in contestant
        ? await startServer(contestant, { work, concurrency })
        : await startExample();
      const { pid, ready: { port } } = server;
      await load(by, port, { clients: CLIENTS, keepAlive, seconds: 1 });
      const { seconds } = effort;
      const before = [await cpuTime(pid), await wakeUps(pid)];
      const figures = await load(by, port, {
        clients: CLIENTS,
        keepAlive,
        seconds,
      });
      const after = [await cpuTime(pid), await wakeUps(pid)];
      const [cpu, woken] = after.map((now, i) => {
        const then = before[i];
        if (now === undefined || then === undefined) return undefined;
        return (now - then) / (figures.rate * seconds);
      });
      return { ...figures, cpu: cpu && cpu * 1e6, woken };
    },
  );
  print(`${name}: ${title}`, contestants, measured);
  return targets(name, measured);
}

/** What takes 2 ms: counted, so that two on one core take twice as long, or by the clock. */
function busyWork(clock: boolean): Work {
  if (clock) return { steps: 0, ms: BUSY_MS, mib: 0 };
  const steps = 1_000_000;
  let fastest = Infinity;
  for (let i = 0; i < 20; i++) {
    const begun = performance.now();
    burn(steps);
    fastest = Math.min(fastest, performance.now() - begun);
  }
  return { steps: Math.round(steps * BUSY_MS / fastest), ms: 0, mib: 0 };
}

function print(
  title: string,
  contestants: Row[],
  measured: Map<string, Rounds<Figures>>,
): void {
  const plain = rates(measured, "plain");
  const plainCpu = cpuTimes(measured, "plain");
  const notes: string[] = [];
  const rows = contestants.map(({ name, title }) => {
    const { figures, failure } = measured.get(name)!;
    const errors = figures.reduce((sum, { errors }) => sum + errors, 0);
    if (failure) notes.push(`${title}: ${failure}`);
    if (errors > 0) notes.push(`${title}: ${errors} ERRORS`);
    // What others, or the generator, lose is only told.
    const isOurs = name === "pool" || name === "descriptor";
    if (isOurs && (failure || errors > 0)) Deno.exitCode = 1;
    return [
      title,
      ...ratioCells(ratio(rates(measured, name), plain)),
      ...ratioCells(ratio(cpuTimes(measured, name), plainCpu)),
      ...figures.length === 0 ? ["", "", "", "", ""] : [
        cell(median(figures.map(({ rate }) => rate))),
        cell(median(figures.map(({ p99 }) => p99))),
        cell(median(figures.map(({ cpu }) => cpu ?? NaN))),
        cell(median(figures.map(({ woken }) => woken ?? NaN))),
        String(errors),
      ],
    ];
  });
  const head = [
    "",
    "× plain",
    "spread",
    "CPU × plain",
    "spread",
    "answers/s",
    "p99, ms",
    "CPU, µs each",
    "wake-ups each",
    "errors",
  ];
  printTable(title, head, rows, notes);
}

function rates(
  measured: Map<string, Rounds<Figures>>,
  name: string,
): number[] | undefined {
  return measured.get(name)?.figures.map(({ rate }) => rate);
}

function cpuTimes(
  measured: Map<string, Rounds<Figures>>,
  name: string,
): number[] | undefined {
  return measured.get(name)?.figures.map(({ cpu }) => cpu ?? NaN);
}

function targets(
  name: string,
  measured: Map<string, Rounds<Figures>>,
): Target[] {
  const beside = (other: string, title: string, atLeast: number): Target => ({
    text: `${name}: pool at least ${atLeast} × ${title}`,
    figure: ratio(rates(measured, "pool"), rates(measured, other))?.median,
    atLeast,
  });
  if (name === "short-trivial") {
    return [
      beside("plain", "plain", 0.8),
      beside("streams", "transferred streams", 3),
    ];
  }
  if (name === "short-2ms") {
    return [
      beside("plain", "plain", 1.8),
      beside("themselves", "workers that accept themselves", 0.93),
    ];
  }
  return [];
}
