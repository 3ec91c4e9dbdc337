// Many bytes through one moved connection, beside a handler in main; and what main notices of it.
import { median, quantile } from "../stats.js";
import { Child } from "./child.ts";
import { type Effort, wanted } from "./effort.ts";
import { startPeer } from "./peer.ts";
import { cell, printTable, ratio, ratioCells, type Target } from "./report.ts";
import { interleave, type Rounds } from "./rounds.ts";
import type { StreamFigures, StreamSetting } from "./stream_host.ts";
import { type Direction, type Way, WAYS } from "./stream_ways.ts";

type Measured = Map<string, Rounds<StreamFigures>>;

const TITLES = {
  in: "from the client to the handler",
  out: "from the handler to the client",
};

/** Measures one direction and prints it. */
export async function measureStreams(
  direction: Direction,
  effort: Effort,
): Promise<Target[]> {
  const ways = wanted(WAYS, effort);
  const { rounds, mib } = effort;
  const name = `stream-${direction}`;
  const measured = await interleave(name, ways, rounds, async (way) => {
    const setting: StreamSetting = { way, direction, mib };
    await using host = await Child.start<StreamFigures | { refused: string }>(
      "stream_host.ts",
      setting,
      90,
    );
    if ("refused" in host.ready) {
      throw new Error(`skipped: ${host.ready.refused}`);
    }
    return host.ready;
  });
  const title = `${name}: ${mib} MiB ${TITLES[direction]}`;
  printSpeeds(title, ways, measured, mib, await peersAlone(mib));
  printDelays(`${name}: by how many ms main's timers are late`, ways, measured);
  return targets(name, measured);
}

/** MiB/s of the two peers with each other: what no way can exceed. */
async function peersAlone(mib: number): Promise<number> {
  await using receiver = startPeer("receive", [0, mib]);
  await using sender = startPeer("send", [Number(await receiver.line()), mib]);
  const seconds = Number(await receiver.line());
  await Promise.all([receiver.end(), sender.end()]);
  return mib / seconds;
}
function printSpeeds(
  title: string,
  ways: Way[],
  measured: Measured,
  mib: number,
  ceiling: number,
): void {
  const direct = speeds(measured, "direct");
  const streams = speeds(measured, "direct-streams");
  const notes = [`The peers with each other: ${cell(ceiling)} MiB/s`];
  const rows = ways.map(({ name, title }) => {
    const own = speeds(measured, name);
    const failure = measured.get(name)?.failure;
    if (failure) notes.push(`${title}: ${failure}`);
    const mibPerSecond = own.length === 0 ? undefined : mib * median(own);
    return [
      title,
      ...ratioCells(ratio(own, direct)),
      ...ratioCells(ratio(own, streams)),
      cell(mibPerSecond),
    ];
  });
  const head = [
    "",
    "× main, read/write",
    "spread",
    "× main, streams",
    "spread",
    "MiB/s",
  ];
  printTable(title, head, rows, notes);
}

/** The delays of all rounds together, each beside its control. */
function printDelays(title: string, ways: Way[], measured: Measured): void {
  const head = ["", "p50", "p99", "p99.9", "max", "samples"];
  const rows = ways.flatMap(({ name, title }) => {
    const { figures } = measured.get(name)!;
    if (figures.length === 0) return [];
    return [
      [title, ...delayCells(figures.flatMap(({ delays }) => delays))],
      ["- without it", ...delayCells(figures.flatMap((f) => f.control))],
    ];
  });
  printTable(title, head, rows);
}

function delayCells(delays: number[]): string[] {
  return [
    ...[0.5, 0.99, 0.999, 1].map((share) => cell(quantile(delays, share))),
    String(delays.length),
  ];
}

/** Streams a second, by round. */
function speeds(measured: Measured, name: string): number[] {
  return measured.get(name)?.figures.map(({ seconds }) => 1 / seconds) ?? [];
}

/** By read and write, and by streams: each beside the same in main. */
function targets(part: string, measured: Measured): Target[] {
  return [
    speedTarget(part, measured, "pool", "direct", 0.6),
    speedTarget(part, measured, "pool-streams", "direct-streams", 0.6),
    speedTarget(part, measured, "descriptor", "direct", 0.9),
    speedTarget(part, measured, "descriptor-streams", "direct-streams", 0.9),
    delayTarget(part, measured, "pool"),
    delayTarget(part, measured, "descriptor"),
  ];
}

function speedTarget(
  part: string,
  measured: Measured,
  name: string,
  other: string,
  atLeast: number,
): Target {
  return {
    text: `${part}: ${name} at least ${atLeast} × ${other}`,
    figure: ratio(speeds(measured, name), speeds(measured, other))?.median,
    atLeast,
  };
}

function delayTarget(part: string, measured: Measured, name: string): Target {
  const delays = measured.get(name)?.figures.flatMap((f) => f.delays) ?? [];
  return {
    text: `${part}: ${name}, p99.9 of main's delay at most 20 ms`,
    figure: delays.length === 0 ? undefined : quantile(delays, 0.999),
    atMost: 20,
  };
}
